import type { Admission, SaleState } from '@flux/contracts';
import type { DrawnList } from '@flux/ledger';

/** An item's row in the ledger: the truth about its units. */
export interface LedgerCounters {
  readonly initial: number;
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
  readonly epoch: number;
  readonly watermark: number;
  readonly suspendedReason: string | null;
}

export interface SaleItem {
  readonly saleId: string;
  readonly productId: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly perShopperLimit: number;
  /** The gate has had this item: from then on a missing key is a loss, never a reason to write it. */
  readonly gateOpened: boolean;
  readonly ledger: LedgerCounters;
}

/** A sale as PostgreSQL has it: the state that the gate is driven to. */
export interface Sale {
  readonly id: string;
  readonly name: string;
  readonly state: SaleState;
  readonly opensAt: Date;
  readonly closesAt: Date;
  readonly holdMs: number;
  /** How long after its end the shoppers' identities are kept; null: for ever. */
  readonly retentionMs: number | null;
  readonly createdAt: Date;
  readonly closedAt: Date | null;
  readonly admission: Admission;
  /** Of the draw: secret until it was made. null without a lobby. */
  readonly drawSeed: string | null;
  readonly beaconValue: string | null;
  readonly draw: DrawnList | null;
  readonly items: readonly SaleItem[];
}
