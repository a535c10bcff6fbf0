/**
 * Redis could not be asked, or did not answer. Thrown by every verb but `reserve`, whose callers get it as a value.
 * `effect` is `none` where the call certainly changed nothing, `unknown` where it may have; every verb may be
 * repeated.
 */
export class GateUnavailableError extends Error {
  constructor(
    readonly effect: 'none' | 'unknown',
    readonly reason: string,
  ) {
    super(effect === 'none' ? `the gate is unavailable: ${reason}` : `the gate did not answer: ${reason}`);
    this.name = 'GateUnavailableError';
  }
}

/** The gate answered in a shape that this release does not know: a foreign script, key or release. */
export class UnexpectedReplyError extends Error {
  constructor(what: string) {
    super(`unexpected reply of the gate: ${what}`);
    this.name = 'UnexpectedReplyError';
  }
}

/** A request breaks the patterns of ids and quantities: the caller should have refused it. */
export class InvalidRequestError extends TypeError {
  constructor(field: string) {
    super(`the gate was given an invalid ${field}`);
    this.name = 'InvalidRequestError';
  }
}
