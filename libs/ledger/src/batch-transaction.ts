import { itemName, orderIdsOf, ordersOf } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
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
   * @throws where PostgreSQL fails; `classifyFailure` says what of
   */
  async apply(events: readonly PlacedEvent[]): Promise<BatchOutcome> {
    if (events.length === 0) return { outcome: 'applied', items: [] };
    return this.dataSource.transaction((manager) => applyEvents(manager, events));
  }
}

type EventsByItem = ReadonlyMap<string, readonly PlacedEvent[]>;

/** The same in a transaction that is under way and may hold the ledger rows already. */
export async function applyEvents(
  manager: EntityManager,
  events: readonly PlacedEvent[],
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
    events.flatMap(({ event }) => orderIdsOf(event)),
  );
  const units = await liveUnits(
    manager,
    events.flatMap(({ event }) => {
      const { saleId, productId } = event;
      return ordersOf(event).map(({ shopperId }) => ({ saleId, productId, shopperId }));
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
