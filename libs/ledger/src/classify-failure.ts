/**
 * What a failed transaction says about its batch: `transient` means that the same batch can succeed later, `data` that
 * it never will.
 */
export type FailureKind = 'transient' | 'data';

/**
 * Classes of SQLSTATE that the values of a batch can cause: data exceptions (22), integrity violations (23) and
 * program limits (54). All others tell of the server, the connection, the schema or another transaction.
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const DATA_CLASSES = new Set(['22', '23', '54']);
const SQLSTATE_PATTERN = /^[0-9A-Z]{5}$/;

/**
 * Tells an outage from bad data. In doubt it is transient: a retried batch waits, a parked order waits for a human.
 * Errors without a code come from the pg client, whose connection failed; only JavaScript's own error types speak of
 * values that the code could not handle.
 */
export function classifyFailure(error: unknown): FailureKind {
  const code = codeOf(error);
  if (code !== undefined) return DATA_CLASSES.has(code.slice(0, 2)) ? 'data' : 'transient';
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
    ? 'data'
    : 'transient';
}

/**
 * For logs and reasons: names the failure without the values in it, which may be a shopper's. TypeORM's errors carry
 * every parameter of their statement, so they must not be logged whole.
 */
export function describeFailure(error: unknown): string {
  const code = codeOf(error);
  if (!(error instanceof Error)) return typeof error;
  if (code !== undefined) return `${error.name} ${code}`;
  // Without an SQLSTATE nothing of a statement is in the text: it is the connection's.
  return `${error.name}: ${error.message}`;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && SQLSTATE_PATTERN.test(error.code) ? error.code : undefined;
}
