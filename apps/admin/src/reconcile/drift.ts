import type { GateItem } from '@flux/gate';

/** An item as PostgreSQL has it, read in one statement. */
export interface LedgerSide {
  readonly epoch: number;
  readonly watermark: number;
  readonly isSuspended: boolean;
  /** Initial − held − sold − parked: what the gate has at rest. */
  readonly free: number;
  /** What has begun and may still change the gate's stock; empty where nothing may. */
  readonly unfinished: readonly string[];
}

/** A gate as it was seen when its stock did not agree with the ledger. */
export interface SeenGate {
  readonly epoch: number;
  readonly sequence: number;
  readonly version: number;
  readonly available: number;
  /** What the ledger has free. */
  readonly expected: number;
}

/** How a gate's stock stands to the ledger. */
export type Drift =
  | { readonly kind: 'none' }
  /** Purchases are on their way, or something changed between the readings: nothing can be said now. */
  | { readonly kind: 'moving' }
  /** Suspended, being rebuilt, of another epoch, or PostgreSQL went back in time: not the reconciler's. */
  | { readonly kind: 'elsewhere' }
  /** Proven: these units are not there, whatever is on its way. */
  | { readonly kind: 'surplus'; readonly units: number; readonly seen: SeenGate }
  /** Units that nobody can buy, unless an obstacle explains them. */
  | {
      readonly kind: 'deficit';
      readonly units: number;
      readonly seen: SeenGate;
      readonly obstacles: readonly string[];
    };

export interface Readings {
  /** Read before the ledger and after it; undefined where the gate lacks the item or a field of it. */
  readonly before: GateItem | undefined;
  readonly ledger: LedgerSide;
  readonly after: GateItem | undefined;
}

/**
 * Judges one item. Whatever gives units has its effect in PostgreSQL first, whatever takes them has it in the gate
 * first; so at no moment may the gate have more than PostgreSQL has free. Where the version stood still no unit came
 * to the gate between its two readings: the fewer of the two were there when the ledger was read.
 */
export function driftOf({ before, ledger, after }: Readings): Drift {
  if (!isComparable(before, ledger) || !isComparable(after, ledger)) return { kind: 'elsewhere' };
  if (before.watermark > ledger.watermark) return { kind: 'elsewhere' };
  if (before.version !== after.version) return { kind: 'moving' };

  const { epoch, version, sequence } = after;
  const available = Math.min(before.available, after.available);
  const seen = { epoch, sequence, version, available, expected: ledger.free };
  if (available > ledger.free) return { kind: 'surplus', units: available - ledger.free, seen };

  if (before.available !== after.available || before.sequence !== after.sequence) return { kind: 'moving' };
  if (available === ledger.free) return { kind: 'none' };
  if (before.outboxLength > 0 || after.outboxLength > 0) return { kind: 'moving' };
  const obstacles = [...unsettled(after, ledger), ...ledger.unfinished];
  return { kind: 'deficit', units: ledger.free - available, seen, obstacles };
}

type ComparableGate = GateItem & { readonly available: number };

function isComparable(gate: GateItem | undefined, ledger: LedgerSide): gate is ComparableGate {
  return (
    gate?.available !== undefined &&
    gate.state !== 'suspended' &&
    !ledger.isSuspended &&
    gate.epoch === ledger.epoch
  );
}

/** With an empty outbox every sequence is settled; one that is not was an order that the outbox has lost. */
function unsettled({ sequence, watermark }: GateItem, ledger: LedgerSide): string[] {
  if (sequence === watermark && watermark === ledger.watermark) return [];
  return [`the gate numbered ${sequence} orders, and the ledger has settled ${ledger.watermark}`];
}
