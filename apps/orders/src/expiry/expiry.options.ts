export interface ExpiryOptions {
  readonly intervalMs: number;
  /** Orders for one transaction. */
  readonly batch: number;
}

/** Injection token of the options. */
export const EXPIRY_OPTIONS = Symbol('flux.expiry');
