import type { IncomingHttpHeaders } from 'node:http';

/** Injection token of the process's way to tell shoppers apart. */
export const IDENTITY = Symbol('gateway.identity');

/** Who sends a request: first as claimed, at no cost, then as proven. */
export interface Identity {
  /** The shopper that the headers name, unproven; undefined where they name none. */
  claimed(headers: IncomingHttpHeaders): string | undefined;
  /**
   * The shopper that the headers prove; undefined where they prove none.
   * @throws ProblemError `temporarily-unavailable` where nobody can tell now
   */
  verified(headers: IncomingHttpHeaders): string | undefined | Promise<string | undefined>;
}
