import { ProblemError, type FieldError } from '@flux/contracts';
import type { z } from 'zod';

/** More would only serve whoever sends garbage. */
const MAX_FIELD_ERRORS = 20;

/**
 * The value as the schema reads it.
 * @throws ProblemError `invalid-request` with one JSON pointer for each wrong field, repeating no value
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ProblemError('invalid-request', 'A field of the request is not valid.', {
    errors: fieldErrors(result.error.issues),
  });
}

/** The issues as pointers. Unknown fields get one pointer each; their names are the caller's own, so they are cut. */
function fieldErrors(issues: readonly z.core.$ZodIssue[]): readonly FieldError[] {
  return issues.flatMap(fieldErrorsOf).slice(0, MAX_FIELD_ERRORS);
}

function fieldErrorsOf(issue: z.core.$ZodIssue): readonly FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerOf(issue.path), detail: issue.message }];
  return [{ pointer: pointerOf(issue.path), detail: `has ${issue.keys.length} unknown field(s)` }];
}

/** RFC 6901. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
