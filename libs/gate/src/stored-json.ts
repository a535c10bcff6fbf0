import type { z } from 'zod';
import { UnexpectedReplyError } from './gate-error';

/**
 * A value that one of our processes stored as JSON.
 * @param what says in the error what it is not
 * @throws UnexpectedReplyError where it is no JSON, or not of this shape
 */
export function readStored<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(parseJson(text));
  if (!result.success) throw new UnexpectedReplyError(`not ${what}`);
  return result.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
