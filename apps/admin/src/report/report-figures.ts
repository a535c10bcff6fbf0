import { freeUnits } from '@flux/ledger';
import {
  ORDER_STATUSES,
  orderIdRange,
  REJECTION_REASONS,
  statusOfState,
  type OrderState,
  type OrderStatus,
  type RejectionReason,
} from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { LedgerCounters, Sale } from '../sales/sale';
import { readSale } from '../sales/sale.repository';
import type { SaleReport, Units } from './report-answer';
import { bucketSecondsOf, denseCounts } from './timeline';

export type Figures = Omit<SaleReport, 'writtenAt' | 'refusals' | 'audit'>;

/** One group of a sale's orders. Sums come as text: they may be larger than int4. */
interface OrderGroup {
  readonly productId: string;
  readonly state: OrderState;
  readonly reason: RejectionReason | null;
  readonly orders: string;
  readonly units: string;
  /** Seconds since 1970. */
  readonly firstAt: string;
  readonly lastAt: string;
}

/**
 * What the ledger says of a sale. In a transaction that sees one moment.
 * @throws ProblemError `unknown-sale`; RangeError where money is beyond 2^53 minor units
 */
export async function readFigures(manager: EntityManager, saleId: string): Promise<Figures> {
  const sale = await readSale(manager, saleId);
  const range = orderIdRange(saleId);
  const groups: readonly OrderGroup[] = await manager.query(
    `SELECT product_id AS "productId", state, CASE WHEN state = 'rejected' THEN reason END AS reason,
            count(*) AS orders, sum(quantity) AS units,
            floor(extract(epoch FROM min(accepted_at))) AS "firstAt",
            floor(extract(epoch FROM max(accepted_at))) AS "lastAt"
       FROM orders WHERE order_id > $1 AND order_id < $2 GROUP BY 1, 2, 3`,
    range,
  );
  const { name, state, opensAt, closesAt, closedAt } = sale;
  return {
    saleId,
    name,
    state,
    opensAt: opensAt.toISOString(),
    closesAt: closesAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    units: unitsOf(sale.items.map(({ ledger }) => ledger)),
    items: sale.items.map(({ productId, name: itemName, priceMinor, currency, ledger }) => {
      return { productId, name: itemName, priceMinor, currency, units: unitsOf([ledger]) };
    }),
    orders: ordersByStatus(groups),
    revenue: await revenueOf(manager, sale, groups),
    timeline: await timelineOf(manager, range, groups),
    rejections: rejectionsOf(groups),
  };
}

function unitsOf(ledgers: readonly LedgerCounters[]): Units {
  const sum = (unitsIn: (ledger: LedgerCounters) => number) =>
    ledgers.reduce((total, ledger) => total + unitsIn(ledger), 0);
  return {
    initial: sum(({ initial }) => initial),
    sold: sum(({ sold }) => sold),
    held: sum(({ held }) => held),
    parked: sum(({ parked }) => parked),
    free: sum(freeUnits),
  };
}

function ordersByStatus(groups: readonly OrderGroup[]): Figures['orders'] {
  return ORDER_STATUSES.map((status: OrderStatus) => {
    return { status, ...totalOf(groups.filter(({ state }) => statusOfState(state) === status)) };
  });
}

function rejectionsOf(groups: readonly OrderGroup[]): Figures['rejections'] {
  return REJECTION_REASONS.map((reason) => {
    return { reason, ...totalOf(groups.filter((group) => group.reason === reason)) };
  });
}

function totalOf(groups: readonly OrderGroup[]): { readonly orders: number; readonly units: number } {
  return {
    orders: groups.reduce((total, { orders }) => total + whole(orders), 0),
    units: groups.reduce((total, { units }) => total + whole(units), 0),
  };
}

async function revenueOf(
  manager: EntityManager,
  { id, items }: Sale,
  groups: readonly OrderGroup[],
): Promise<Figures['revenue']> {
  const refunds: readonly {
    readonly currency: string;
    readonly state: 'due' | 'done';
    readonly minor: string;
  }[] = await manager.query(
    `SELECT currency, state, sum(amount_minor) AS minor FROM refunds
        WHERE order_id > $1 AND order_id < $2 GROUP BY 1, 2`,
    [...orderIdRange(id)],
  );
  const refunded = (currency: string, state: 'due' | 'done') =>
    whole(refunds.find((row) => row.currency === currency && row.state === state)?.minor ?? '0');
  const currencies = new Set([...items, ...refunds].map(({ currency }) => currency));
  return [...currencies].sort().map((currency) => {
    const paid = items
      .filter((item) => item.currency === currency)
      .flatMap(({ productId, priceMinor }) =>
        groups
          .filter((group) => group.productId === productId && group.state === 'paid')
          .map(({ units }) => BigInt(units) * BigInt(priceMinor)),
      );
    return {
      currency,
      paidMinor: whole(paid.reduce((total, minor) => total + minor, 0n)),
      refundsDueMinor: refunded(currency, 'due'),
      refundsDoneMinor: refunded(currency, 'done'),
    };
  });
}

async function timelineOf(
  manager: EntityManager,
  range: readonly string[],
  groups: readonly OrderGroup[],
): Promise<Figures['timeline']> {
  if (groups.length === 0) return { startsAt: null, bucketSeconds: 1, units: [] };
  const span = {
    from: Math.min(...groups.map(({ firstAt }) => Number(firstAt))),
    to: Math.max(...groups.map(({ lastAt }) => Number(lastAt))),
  };
  const bucketSeconds = bucketSecondsOf(span);
  const rows: readonly { readonly bucket: string; readonly units: string }[] = await manager.query(
    `SELECT floor(extract(epoch FROM accepted_at) / $3) AS bucket, sum(quantity) AS units
       FROM orders WHERE order_id > $1 AND order_id < $2 GROUP BY 1`,
    [...range, bucketSeconds],
  );
  const counts = new Map(rows.map(({ bucket, units }) => [Number(bucket), whole(units)]));
  const startsAtMs = Math.floor(span.from / bucketSeconds) * bucketSeconds * 1_000;
  return {
    startsAt: new Date(startsAtMs).toISOString(),
    bucketSeconds,
    units: [...denseCounts(span, bucketSeconds, counts)],
  };
}

/** @throws RangeError rather than round */
function whole(value: string | bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError('a sum is beyond 2^53');
  return number;
}
