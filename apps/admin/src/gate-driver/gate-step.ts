import type { SaleState } from '@flux/contracts';
import type { GateItem } from '@flux/gate';
import type { SaleItem } from '../sales/sale';

/** What keeps an item's gate from where PostgreSQL wants it; no drive mends these. */
export type GateProblem =
  /** Redis lost keys of an item that was open: it answers NOT_READY until it is rebuilt. */
  | 'missing'
  /** Redis went back in time: it answers NOT_READY until it is rebuilt. */
  | 'suspended'
  /** A key of the item holds foreign data. */
  | 'unsafe'
  /** The gate is in a state or an epoch that the ledger never put it in. */
  | 'diverged';

export type GateStep =
  | { readonly step: 'none' | 'open' | 'pause' | 'resume' | 'close' | 'suspend' }
  | { readonly step: 'stuck'; readonly problem: GateProblem };

export interface GateSituation {
  readonly wanted: SaleState;
  readonly item: Pick<SaleItem, 'gateOpened' | 'ledger'>;
  /** undefined where the gate does not have the item. */
  readonly gate: Pick<GateItem, 'state' | 'available'> | undefined;
}

/** The one step that brings an item's gate nearer to what PostgreSQL says. Changes nothing by itself. */
export function gateStepFor({ wanted, item, gate }: GateSituation): GateStep {
  switch (wanted) {
    case 'scheduled':
    case 'retired':
      return { step: 'none' };
    case 'open':
    case 'paused':
    case 'closed':
      return gate === undefined ? stepWithoutGate(wanted, item) : stepWithGate(wanted, item, gate);
  }
}

type GateState = 'open' | 'paused' | 'closed';

/**
 * The gate is written only where it never was: an item that has sold anything, or that is marked as opened, had a
 * gate, and writing it anew would give its units away twice.
 */
function stepWithoutGate(wanted: GateState, { gateOpened, ledger }: GateSituation['item']): GateStep {
  const untouched = ledger.watermark === 0 && ledger.held + ledger.sold + ledger.parked === 0;
  if (gateOpened || !untouched) return { step: 'stuck', problem: 'missing' };
  return { step: wanted === 'open' ? 'open' : 'none' };
}

function stepWithGate(
  wanted: GateState,
  { ledger }: GateSituation['item'],
  { state, available }: NonNullable<GateSituation['gate']>,
): GateStep {
  if (state === 'suspended') return { step: 'stuck', problem: 'suspended' };
  if (ledger.suspendedReason !== null) return { step: 'suspend' };
  if (available === undefined) return { step: 'stuck', problem: 'missing' };
  if (state === wanted) return { step: 'none' };
  if (wanted === 'closed') return { step: 'close' };
  if (state === 'closed') return { step: 'stuck', problem: 'diverged' };
  return { step: wanted === 'open' ? 'resume' : 'pause' };
}
