import type { ItemRef } from '@flux/contracts';
import type { GateItem } from '@flux/gate';

/** A gate that has nothing to give, and whose every order the ledger has been told of. */
export interface EmptyGate extends ItemRef {
  readonly epoch: number;
  readonly version: number;
  readonly sequence: number;
}

/** An item of which the ledger says that each unit is paid for, and that nothing under way could change that. */
export interface SpentLedger extends ItemRef {
  readonly epoch: number;
  readonly watermark: number;
}

/** @returns undefined where units are available, orders are on their way, or everybody was told before */
export function emptyGateOf(
  { saleId, productId }: ItemRef,
  gate: GateItem | undefined,
): EmptyGate | undefined {
  if (gate?.available !== 0 || gate.isExhausted) return undefined;
  if (gate.state !== 'open' && gate.state !== 'paused') return undefined;
  if (gate.outboxLength > 0 || gate.sequence !== gate.watermark) return undefined;
  const { epoch, version, sequence } = gate;
  return { saleId, productId, epoch, version, sequence };
}

/**
 * Whether nothing can come back by itself. The gate was read before the ledger, and takes the word only at the version
 * and sequence that it had then: what was accepted or given back in between makes it refuse.
 */
export function isSpent(gate: EmptyGate, ledger: SpentLedger | undefined): boolean {
  return ledger?.epoch === gate.epoch && ledger.watermark === gate.sequence;
}
