import type { ItemRef } from '@flux/contracts';
import type { ReserveOutcome } from './outcomes';

/** One `reserve` call: all requests of one item in one turn of the event loop, at most 64. */
export interface ReserveCallReport {
  readonly item: ItemRef;
  readonly requests: number;
  /** From the call's start to its answers. */
  readonly durationMs: number;
  /** One word per request, in order. */
  readonly outcomes: readonly ReserveOutcome['outcome'][];
  /** Why there is no decision: the code of Redis' error (`OOM`, `NOREPLICAS`), or what happened on the way. */
  readonly failure: string | undefined;
}

/** Where metrics and logs listen in. Must not throw. */
export interface GateObserver {
  onReserveCall?(report: ReserveCallReport): void;
  /** The gate answered in an unknown shape; the callers were told `unknown`. */
  onUnexpectedReply?(error: Error): void;
}
