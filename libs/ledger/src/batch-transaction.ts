import type { ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { decideItem, type ItemDecision, type LedgerRow, type PlacedEvent } from './decide-batch';
import { itemKeyOf, knownOrders, liveUnits, lockLedger, writeLedger, writeOrders } from './ledger-rows';
import { itemResultOf, type ItemResult } from './settlement';

export type BatchOutcome =
  | { readonly outcome: 'applied'; readonly items: readonly ItemResult[] }
  /** Some event names an item or an epoch that the ledger does not have: nothing was changed. */
  | { readonly outcome: 'refused'; readonly reason: string };

/** The one transaction that turns accepted orders into confirmed or rejected ones. */
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
    const byItem = groupByItem(events);
    if (byItem.size === 0) return { outcome: 'applied', items: [] };
    return this.dataSource.transaction((manager) => applyTo(manager, byItem));
  }
}

type EventsByItem = ReadonlyMap<string, { readonly item: ItemRef; readonly events: PlacedEvent[] }>;

function groupByItem(events: readonly PlacedEvent[]): EventsByItem {
  const byItem = new Map<string, { readonly item: ItemRef; readonly events: PlacedEvent[] }>();
  for (const placed of events) {
    const { saleId, productId } = placed.event;
    const key = itemKeyOf({ saleId, productId });
    const group = byItem.get(key) ?? { item: { saleId, productId }, events: [] };
    group.events.push(placed);
    byItem.set(key, group);
  }
  return byItem;
}

async function applyTo(manager: EntityManager, byItem: EventsByItem): Promise<BatchOutcome> {
  const { rows, nowMs } = await lockLedger(
    manager,
    [...byItem.values()].map(({ item }) => item),
  );
  const refusal = refusalOf(byItem, rows);
  if (refusal !== undefined) return { outcome: 'refused', reason: refusal };

  const placed = [...byItem.values()].flatMap(({ events }) => events);
  const known = await knownOrders(
    manager,
    placed.flatMap(({ event }) => event.orders.map(({ orderId }) => orderId)),
  );
  const units = await liveUnits(
    manager,
    placed.map(({ event }) => event),
  );
  const decisions = [...rows].map(([key, ledger]) => ({
    before: ledger,
    decision: decideItem({
      ledger,
      known,
      unitsOf: units.get(key) ?? new Map<string, number>(),
      events: byItem.get(key)?.events ?? [],
    }),
  }));
  await writeOrders(
    manager,
    decisions.flatMap(({ decision }) => decision.decided),
    (item) => rows.get(itemKeyOf(item))?.holdMs ?? 0,
  );
  await writeLedger(
    manager,
    decisions
      .filter(({ before, decision }) => changes(before, decision))
      .map(({ decision }) => decision.ledger),
  );
  return {
    outcome: 'applied',
    items: decisions.map(({ before, decision }) => itemResultOf(before, decision, nowMs)),
  };
}

/** A redelivered batch writes nothing. */
function changes(before: LedgerRow, { decided, ledger }: ItemDecision): boolean {
  return (
    decided.length > 0 ||
    ledger.watermark !== before.watermark ||
    ledger.ahead !== before.ahead ||
    ledger.suspendedReason !== before.suspendedReason
  );
}

function refusalOf(byItem: EventsByItem, rows: ReadonlyMap<string, LedgerRow>): string | undefined {
  for (const [key, { events }] of byItem) {
    const ledger = rows.get(key);
    if (ledger === undefined) return 'the item is not known';
    if (events.some(({ event }) => event.epoch > ledger.epoch)) return 'the epoch is newer than the ledger';
  }
  return undefined;
}
