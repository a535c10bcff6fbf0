import type { AppliedSequences } from '@flux/ledger';

type Applied = Pick<AppliedSequences, 'watermark' | 'ahead'>;

export interface Readings {
  /** The ledger, read before the gate. */
  readonly before: Applied;
  /** The last sequence that the gate has given, read after that. */
  readonly gateSequence: number;
  /** First sequence of the oldest outbox entry, read after that; undefined where the outbox is empty. */
  readonly oldestSequence: number | undefined;
  /** The gate's watermark, read after that. */
  readonly gateWatermark: number;
  /** The ledger once more, read last. */
  readonly after: Applied;
}

/**
 * Why five readings of one epoch, taken in this order while everything goes on, prove that Redis went back in time;
 * undefined where they do not. What the ledger has applied the gate had given before, and an entry leaves the outbox
 * only in the step in which the gate's watermark, and before it the ledger's, goes over it.
 */
export function rewindProof(readings: Readings): string | undefined {
  const { before, gateSequence, oldestSequence, gateWatermark, after } = readings;
  const applied = before.ahead.at(-1)?.to ?? before.watermark;
  if (applied > gateSequence) return 'the gate is behind the ledger';
  const kept = oldestSequence ?? gateSequence + 1;
  if (kept > after.watermark + 1) return 'the outbox lacks what the ledger never had';
  if (kept > gateWatermark + 1) return 'the outbox lacks what is not settled';
  return undefined;
}
