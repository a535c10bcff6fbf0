import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { Operation } from './document';

/** Statuses of every server of HTTP, which no operation documents for itself: what cannot be read, or is too long. */
const OF_THE_EDGE = new Set([400, 414, 431]);

/** Whether answers are as the document says. Remembers which of the documented statuses have occurred. */
export class Conformity {
  private readonly ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  private readonly validators = new Map<object, ValidateFunction>();
  private readonly seen = new Map<string, Set<number>>();

  /** Why the answer is not as documented; undefined where it is. */
  async faultOf(operation: Operation, answer: Response): Promise<string | undefined> {
    const { status, headers } = answer;
    const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
    if (type === 'text/event-stream') await answer.body?.cancel();
    const text = type === 'text/event-stream' ? '' : await answer.text();
    const fault = this.faultIn(operation, { status, type, text });
    return fault === undefined
      ? undefined
      : `${operation.name} is answered ${status} ${type}: ${fault} ${text.slice(0, 300)}`;
  }

  /** `post /v1/orders 202` of each documented status that has not occurred. */
  missing(operations: readonly Operation[]): readonly string[] {
    return operations.flatMap(({ name, answers }) =>
      [...answers.keys()]
        .filter((status) => this.seen.get(name)?.has(status) !== true)
        .map((status) => `${name} ${status}`),
    );
  }

  private faultIn(
    operation: Operation,
    { status, type, text }: { readonly status: number; readonly type: string; readonly text: string },
  ): string | undefined {
    const content = operation.answers.get(status);
    if (content === undefined)
      return OF_THE_EDGE.has(status) && type === 'application/problem+json' ? undefined : 'is not documented';
    this.note(operation.name, status);
    const documented = Object.keys(content);
    if (documented.length === 0) return text === '' ? undefined : 'has a body';
    const found = content[type];
    if (found === undefined) return `is none of ${documented.join(', ')}`;
    if (found.schema === undefined || !type.endsWith('json')) return undefined;
    const validate = this.validatorOf(found.schema);
    return validate(JSON.parse(text)) ? undefined : this.ajv.errorsText(validate.errors);
  }

  private note(name: string, status: number): void {
    const seen = this.seen.get(name) ?? new Set<number>();
    seen.add(status);
    this.seen.set(name, seen);
  }

  private validatorOf(schema: object): ValidateFunction {
    const known = this.validators.get(schema);
    if (known !== undefined) return known;
    const validate = this.ajv.compile(asJsonSchema(schema) as object);
    this.validators.set(schema, validate);
    return validate;
  }
}

/** OpenAPI 3.0 writes exclusive bounds as flags beside the bounds. */
function asJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJsonSchema);
  if (typeof value !== 'object' || value === null) return value;
  const { exclusiveMinimum, exclusiveMaximum, ...rest } = value as Record<string, unknown>;
  const { minimum, maximum, ...others } = rest;
  return {
    ...Object.fromEntries(Object.entries(others).map(([name, part]) => [name, asJsonSchema(part)])),
    ...bound('minimum', 'exclusiveMinimum', minimum, exclusiveMinimum),
    ...bound('maximum', 'exclusiveMaximum', maximum, exclusiveMaximum),
  };
}

function bound(inclusive: string, exclusive: string, limit: unknown, isExclusive: unknown): object {
  if (limit === undefined) return {};
  return isExclusive === true ? { [exclusive]: limit } : { [inclusive]: limit };
}
