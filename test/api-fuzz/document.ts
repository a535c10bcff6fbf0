/** JSON Schema as OpenAPI 3.0 writes it, as far as the documents use it. */
export interface Schema {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly example?: string;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly example?: string;
}

export interface Operation {
  /** `post /v1/orders` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Content | undefined;
  readonly isSecured: boolean;
  /** By status, the bodies by content type. */
  readonly answers: ReadonlyMap<number, Readonly<Record<string, Content>>>;
}

interface WrittenOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> } | undefined;
  readonly paths: Readonly<Record<string, Readonly<Record<string, WrittenOperation>>>>;
}

const METHODS = ['get', 'post', 'delete', 'put', 'patch'];

/** The operations that a process documents of itself. */
export async function operationsOf(baseUrl: string): Promise<readonly Operation[]> {
  const written = (await (await fetch(`${baseUrl}/docs/openapi.json`)).json()) as Document;
  const { paths } = resolved(written, written) as Document;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, { parameters = [], requestBody, security = [], responses }]) => ({
        name: `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        parameters,
        body: requestBody?.content['application/json'],
        isSecured: security.length > 0,
        answers: new Map(
          Object.entries(responses).map(([status, { content = {} }]) => [Number(status), content]),
        ),
      })),
  );
}

/** The document with each `$ref` replaced by what it names. */
function resolved(part: unknown, { components }: Document): unknown {
  if (Array.isArray(part)) return part.map((item) => resolved(item, { paths: {}, components }));
  if (typeof part !== 'object' || part === null) return part;
  const reference = (part as { readonly $ref?: unknown }).$ref;
  if (typeof reference === 'string') {
    return resolved(components?.schemas?.[reference.split('/').at(-1) ?? ''], { paths: {}, components });
  }
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [name, resolved(value, { paths: {}, components })]),
  );
}
