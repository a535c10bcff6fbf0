import { CANCEL_REQUESTED_TYPE, itemName, orderIdsOf, ordersOf } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { writeDecisions } from './batch-writes';
import { decideItem, type PlacedEvent } from './decide-batch';
import { groupBy } from './group-by';
import type { LedgerRow } from './ledger-row';
import { knownOrders, liveUnits, lockLedger } from './ledger-rows';
import { itemResultOf, type ItemResult } from './settlement';

export type BatchOutcome =
  | { readonly outcome: 'applied'; readonly items: readonly ItemResult[] }
  /** Some event names an item or an epoch that the ledger does not have: nothing was changed. */
  | { readonly outcome: 'refused'; readonly reason: string };

/** The one transaction that turns accepted orders into confirmed or rejected ones, and takes their cancellations. */
@Injectable()
export class BatchTransaction {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Applies events of one partition, given in the order of their offsets, in one transaction of a constant number of
   * statements. Applying them again, in any number of processes at once, changes nothing and answers the states
   * again.
   *
   * What lies beyond all that the ledger has applied is expected to be new and not looked up, which would cost a
   * quarter of the transaction. Where the primary key says that an order has a row all the same, everything is looked
   * up in a second transaction.
   * @throws where PostgreSQL fails; `classifyFailure` says what of
   */
  async apply(events: readonly PlacedEvent[]): Promise<BatchOutcome> {
    if (events.length === 0) return { outcome: 'applied', items: [] };
    try {
      return await this.dataSource.transaction((manager) => applyEvents(manager, events, isBeyondApplied));
    } catch (error) {
      if (!isKnownOrder(error)) throw error;
      return this.dataSource.transaction((manager) => applyEvents(manager, events));
    }
  }
}

/** Whether an event's orders have rows only if Redis went back in time or an order was accepted a second time. */
function isBeyondApplied({ event }: PlacedEvent, { epoch, watermark, ahead }: LedgerRow): boolean {
  if (event.type === CANCEL_REQUESTED_TYPE || event.epoch !== epoch) return false;
  return event.firstSequence > (ahead.at(-1)?.to ?? watermark);
}

const UNIQUE_VIOLATION = '23505';

function isKnownOrder(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code, constraint } = error.driverError as {
    readonly code?: unknown;
    readonly constraint?: unknown;
  };
  return code === UNIQUE_VIOLATION && constraint === 'orders_id';
}

type EventsByItem = ReadonlyMap<string, readonly PlacedEvent[]>;

/**
 * The same in a transaction that is under way and may hold the ledger rows already.
 * @param isNew of which events the orders are not looked up; if one of those has a row, the transaction fails
 */
export async function applyEvents(
  manager: EntityManager,
  events: readonly PlacedEvent[],
  isNew: (event: PlacedEvent, ledger: LedgerRow) => boolean = () => false,
): Promise<BatchOutcome> {
  const byItem = groupBy(events, ({ event }) => itemName(event));
  const { rows, nowMs } = await lockLedger(
    manager,
    [...byItem.values()].map(([{ event }]) => event),
  );
  const refusal = refusalOf(byItem, rows);
  if (refusal !== undefined) return { outcome: 'refused', reason: refusal };

  const known = await knownOrders(
    manager,
    [...rows].flatMap(([key, ledger]) =>
      (byItem.get(key) ?? []).flatMap((placed) => (isNew(placed, ledger) ? [] : orderIdsOf(placed.event))),
    ),
  );
  const units = await liveUnits(
    manager,
    [...rows].map(([key, { saleId, productId }]) => {
      return { saleId, productId, shopperIds: shoppersOf(byItem.get(key) ?? []) };
    }),
  );
  const decisions = [...rows].map(([key, ledger]) => ({
    before: ledger,
    decision: decideItem({
      ledger,
      known,
      unitsOf: units.get(key) ?? new Map<string, number>(),
      events: byItem.get(key) ?? [],
      nowMs,
    }),
  }));
  await writeDecisions(manager, decisions, nowMs);
  return {
    outcome: 'applied',
    items: decisions.map(({ before, decision }) => itemResultOf(before, decision, nowMs)),
  };
}

function refusalOf(byItem: EventsByItem, rows: ReadonlyMap<string, LedgerRow>): string | undefined {
  for (const [key, events] of byItem) {
    const ledger = rows.get(key);
    if (ledger === undefined) return 'the item is not known';
    if (events.some(({ event }) => event.epoch > ledger.epoch)) return 'the epoch is newer than the ledger';
  }
  return undefined;
}

function shoppersOf(events: readonly PlacedEvent[]): string[] {
  return events.flatMap(({ event }) => ordersOf(event).map(({ shopperId }) => shopperId));
}
