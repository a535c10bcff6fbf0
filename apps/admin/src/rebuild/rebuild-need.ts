import type { GateLook } from '@flux/gate';
import type { GateSubject, RebuildKind } from '@flux/ledger';

/** Whether the item's gate should sell; the others are the rebuild's already. */
export function isAtWork({ suspendedReason, isRebuilding }: GateSubject): boolean {
  return suspendedReason === null && !isRebuilding;
}

/** What the look at one item found. */
export type RebuildNeed =
  | { readonly need: 'none' }
  | { readonly need: 'rebuild'; readonly kind: RebuildKind; readonly reason: string }
  /**
   * The gate knows more than the ledger: PostgreSQL went back in time, not Redis. A rebuild would forget orders that
   * Kafka still has, so `npm run replay` comes first. What no replay brings back only an operator may give up.
   */
  | { readonly need: 'replay'; readonly reason: string };

/**
 * Whether an item's gate has to be rebuilt. The gate must have been read before the ledger: then a ledger at work is
 * never behind its gate. Changes nothing itself.
 * @param options `acceptLoss`: what the gate alone knows is given up
 */
export function rebuildNeed(
  gate: GateLook,
  ledger: GateSubject,
  { acceptLoss = false }: { readonly acceptLoss?: boolean | undefined } = {},
): RebuildNeed {
  if (!acceptLoss && gate.outcome === 'whole' && isAhead(gate, ledger)) {
    const place = (epoch: number, watermark: number): string => `epoch ${epoch}, watermark ${watermark}`;
    return {
      need: 'replay',
      reason: `the gate is at ${place(gate.epoch, gate.watermark)}, the ledger at ${place(ledger.epoch, ledger.watermark)}`,
    };
  }
  if (ledger.suspendedReason !== null) {
    return { need: 'rebuild', kind: 'suspended', reason: ledger.suspendedReason };
  }
  if (gate.outcome === 'broken') return { need: 'rebuild', kind: 'lost', reason: gate.what };
  if (gate.epoch < ledger.epoch) {
    const reason = `the gate is in epoch ${gate.epoch}, the ledger in ${ledger.epoch}`;
    return { need: 'rebuild', kind: 'old-epoch', reason };
  }
  // Whoever suspended it died before the ledger heard why.
  if (gate.state === 'suspended') {
    return { need: 'rebuild', kind: 'suspended', reason: 'the gate is suspended' };
  }
  return { need: 'none' };
}

function isAhead(
  gate: Extract<GateLook, { readonly outcome: 'whole' }>,
  ledger: Pick<GateSubject, 'epoch' | 'watermark'>,
): boolean {
  return gate.epoch > ledger.epoch || (gate.epoch === ledger.epoch && gate.watermark > ledger.watermark);
}
