import {
  CANCEL_REQUESTED_TYPE,
  decodeItemEvent,
  decodeItemHeaders,
  itemName,
  orderIdsOf,
  type CancelRequested,
  type ItemEvent,
  type ItemRef,
  type OrdersAccepted,
} from '@flux/contracts';
import type { SettleRequest } from '@flux/gate';
import type { EntityManager } from 'typeorm';
import { applyEvents } from './batch-transaction';
import { isFenced } from './decide-batch';
import { ParkedMessageEntity, type ParkedState } from './entities/parked-message.entity';
import { noteChange, type ChangeNote } from './ledger-log';
import { freeUnits, type KnownOrder, type LedgerRow } from './ledger-row';
import { knownOrders, liveUnits, lockLedger } from './ledger-rows';
import { applyChanges, changeOrder, type OrderChange } from './order-change';

/** A message that cannot be resolved by anybody any more. */
export type Unresolvable =
  | { readonly outcome: 'unknownMessage' }
  /** It was before. */
  | { readonly outcome: 'resolved'; readonly state: Exclude<ParkedState, 'parked'> };

export type RetryOutcome =
  | {
      readonly outcome: 'retried';
      readonly confirmed: number;
      /** Orders that stay parked, since units or the shopper's limit lack; the message stays with them. */
      readonly waiting: number;
    }
  | { readonly outcome: 'stillUnprocessable'; readonly reason: string };

export interface DiscardOutcome {
  readonly outcome: 'discarded';
  readonly cancelled: number;
}

/** What a transaction decided, and what the gate has to hear of it once that is committed. */
export interface Resolution<Outcome> {
  readonly outcome: Outcome;
  readonly item?: ItemRef;
  readonly untold?: readonly string[];
  readonly settlement?: SettleRequest | undefined;
}

/** A message that is still parked, under the locks that its resolution needs. */
export interface LockedMessage {
  readonly manager: EntityManager;
  readonly message: ParkedMessageEntity;
  /** What can be read of it. */
  readonly event: ItemEvent | undefined;
  /** Its item's row; undefined where the item is not known. */
  readonly ledger: LedgerRow | undefined;
  readonly nowMs: number;
}

/** Locks the ledger row of a message's item, as every writer does first, then the message. */
export async function lockMessage(
  manager: EntityManager,
  messageId: string,
): Promise<LockedMessage | Unresolvable> {
  const seen = await manager.findOneBy(ParkedMessageEntity, { id: messageId });
  if (seen === null) return { outcome: 'unknownMessage' };
  const event = eventOf(seen);
  const { rows, nowMs } = await lockLedger(manager, event === undefined ? [] : [event]);
  const message = await manager.findOneOrFail(ParkedMessageEntity, {
    where: { id: messageId },
    lock: { mode: 'pessimistic_write' },
  });
  if (message.state !== 'parked') return { outcome: 'resolved', state: message.state };
  const ledger = event === undefined ? undefined : rows.get(itemName(event));
  return { manager, message, event, ledger, nowMs };
}

/** By what it was booked with; where nothing was, by its body, or by headers that name an item now known. */
function eventOf({ saleId, value, headers }: ParkedMessageEntity): ItemEvent | undefined {
  const byHeaders = decodeItemHeaders(headers);
  const body = saleId === null ? value?.toString('utf8') : undefined;
  const decoded = body === undefined ? byHeaders : decodeItemEvent(body);
  const chosen = decoded.outcome === 'event' ? decoded : byHeaders;
  return chosen.outcome === 'event' ? chosen.event : undefined;
}

/** @see ParkingResolution.retry */
export async function retryIn(locked: LockedMessage): Promise<Resolution<RetryOutcome>> {
  const { manager, message, event, ledger } = locked;
  if (event === undefined) return unprocessable('neither body nor headers can be read');
  if (ledger === undefined) return unprocessable('the item is not known');
  if (message.saleId === null) return applyAnew(locked, event);
  if (event.type !== CANCEL_REQUESTED_TYPE) return retryOrders(locked, ledger, event);
  const row = (await knownOrders(manager, [event.orderId])).get(event.orderId);
  const isNoted = row?.intent?.epoch === event.epoch && row.intent.sequence === event.firstSequence;
  return isNoted ? retryIntent(locked, ledger, { event, row }) : applyAnew(locked, event);
}

/** @see ParkingResolution.discard */
export async function discardIn(
  { manager, message, event, ledger, nowMs }: LockedMessage,
  actor: string,
): Promise<Resolution<DiscardOutcome>> {
  const waiting = event === undefined ? [] : await parkedOrders(manager, message, event);
  const changes = waiting
    .map((row) => ledger && changeOrder(row, 'discard', { ledger, nowMs, reason: `discarded by ${actor}` }))
    .filter((change) => change !== undefined);
  await resolve(manager, message, 'discarded');
  if (event !== undefined && ledger !== undefined) {
    await applyChanges(manager, event, changes, resolutionNote(message));
  }
  return {
    outcome: { outcome: 'discarded', cancelled: changes.length },
    ...(event === undefined ? {} : { item: event, untold: changes.map(({ orderId }) => orderId) }),
  };
}

async function retryOrders(
  { manager, message, nowMs }: LockedMessage,
  ledger: LedgerRow,
  event: OrdersAccepted,
): Promise<Resolution<RetryOutcome>> {
  const { saleId, productId } = ledger;
  const waiting = await parkedOrders(manager, message, event);
  // Other parked orders of a shopper do not count, or two of them would keep each other waiting for ever.
  const shoppers = { saleId, productId, shopperIds: waiting.map(({ shopperId }) => shopperId) };
  const live = await liveUnits(manager, [shoppers], ['confirmed', 'paid']);
  const units = new Map(live.get(itemName(ledger)));
  let free = freeUnits(ledger);
  const changes: OrderChange[] = [];
  for (const row of waiting) {
    const had = units.get(row.shopperId) ?? 0;
    const lacks = row.quantity - row.booked;
    if (lacks > free || had + row.quantity > ledger.perShopperLimit) continue;
    const change = changeOrder(row, 'retry', { ledger, nowMs });
    if (change === undefined) continue;
    changes.push(change);
    free -= lacks;
    units.set(row.shopperId, had + row.quantity);
  }
  const left = waiting.length - changes.length;
  if (left === 0) await resolve(manager, message, 'retried');
  await applyChanges(manager, ledger, changes, left === 0 ? resolutionNote(message) : undefined);
  return {
    outcome: { outcome: 'retried', confirmed: changes.length, waiting: left },
    item: { saleId, productId },
    untold: changes.map(({ orderId }) => orderId),
  };
}

/** The wish counts since it was parked: what is left is its effect. */
async function retryIntent(
  { manager, message, nowMs }: LockedMessage,
  ledger: LedgerRow,
  { event, row }: { readonly event: CancelRequested; readonly row: KnownOrder },
): Promise<Resolution<RetryOutcome>> {
  const fenced = isFenced(ledger, { event, offset: BigInt(message.messageOffset) });
  const change = fenced ? undefined : changeOrder(row, 'cancel', { ledger, nowMs });
  await resolve(manager, message, 'retried');
  await applyChanges(manager, ledger, change === undefined ? [] : [change], resolutionNote(message));
  return {
    outcome: { outcome: 'retried', confirmed: 0, waiting: 0 },
    item: { saleId: ledger.saleId, productId: ledger.productId },
    untold: change === undefined ? [] : [change.orderId],
  };
}

/** As if the message came only now, at its own offset. */
async function applyAnew(
  { manager, message }: LockedMessage,
  event: ItemEvent,
): Promise<Resolution<RetryOutcome>> {
  // Another key led to another partition, whose offsets say nothing about the item's epochs.
  if (message.key?.toString('utf8') !== event.productId)
    return unprocessable('the key is not the product id');
  const applied = await applyEvents(manager, [{ event, offset: BigInt(message.messageOffset) }]);
  if (applied.outcome === 'refused') return unprocessable(applied.reason);
  const [result] = applied.items;
  if (result === undefined || result.counts.unmetIntents > 0) {
    return unprocessable('the order to cancel is not known');
  }
  await resolve(manager, message, 'retried');
  await noteChange(manager, event, resolutionNote(message));
  return {
    outcome: { outcome: 'retried', confirmed: result.counts.confirmedAcceptedAtMs.length, waiting: 0 },
    item: { saleId: result.saleId, productId: result.productId },
    untold: result.untold,
    settlement: result.settlement,
  };
}

/** The orders that wait with the message. A copy of a message that was parked before has put none aside. */
async function parkedOrders(
  manager: EntityManager,
  { orderCount }: ParkedMessageEntity,
  event: ItemEvent,
): Promise<readonly KnownOrder[]> {
  if (orderCount === 0) return [];
  const ids = orderIdsOf(event);
  const known = await knownOrders(manager, ids);
  return ids.flatMap((orderId) => {
    const row = known.get(orderId);
    return row?.state === 'parked' ? [row] : [];
  });
}

async function resolve(
  manager: EntityManager,
  { id }: ParkedMessageEntity,
  state: Exclude<ParkedState, 'parked'>,
): Promise<void> {
  await manager.query('UPDATE parked_messages SET state = $2, resolved_at = now() WHERE id = $1', [
    id,
    state,
  ]);
}

function resolutionNote({ id }: ParkedMessageEntity): ChangeNote {
  return { causes: ['parkingResolved'], written: { parkedMessages: [id] } };
}

function unprocessable(reason: string): Resolution<RetryOutcome> {
  return { outcome: { outcome: 'stillUnprocessable', reason } };
}
