import { FORGOTTEN_SHOPPER_PATTERN } from '@flux/contracts';
import { slicesOf, type GateClient } from '@flux/gate';
import type { ItemEntity } from './entities/item.entity';
import type { NamedOrder } from './forget-rows';
import { groupBy, type Group } from './group-by';

/** Script calls that are on their way at once. */
const CALLS_AT_ONCE = 50;

export interface Renames {
  readonly orders: readonly NamedOrder[];
  /** By shopper. */
  readonly pseudonyms: ReadonlyMap<string, string>;
}

export interface StrangeOrder extends NamedOrder {
  readonly belongsTo: (shopperId: string) => boolean;
}

/** Why an item's gate keeps its shoppers from being forgotten; undefined where it has settled everything, or ended. */
export async function gateUnderWay(
  gate: GateClient,
  item: ItemEntity,
  { epoch, isRetired }: { readonly epoch: number; readonly isRetired: boolean },
): Promise<string | undefined> {
  const { productId } = item;
  if (item.gateOpenedAt === null) return undefined;
  const found = await gate.readItem(item);
  if (found === undefined) {
    return isRetired ? undefined : `the gate has lost ${productId}: forget after its rebuild`;
  }
  const { state, outboxLength, sequence, watermark } = found;
  if (state !== 'closed' || found.epoch !== epoch) {
    return `${productId} is ${state} at the gate, in epoch ${found.epoch}: forget when it is closed`;
  }
  if (outboxLength > 0 || watermark < sequence) {
    return `orders of ${productId} are on their way to the ledger: forget again later`;
  }
  return undefined;
}

/** The orders that the gate has under a name that is neither their shopper's nor the pseudonym that is to be written. */
export async function strangersAtGate(
  gate: GateClient,
  saleId: string,
  { orders, pseudonyms }: Renames,
): Promise<readonly StrangeOrder[]> {
  const strange: StrangeOrder[] = [];
  for (const [productId, ofItem] of byProduct(orders)) {
    const ids = ofItem.map(({ orderId }) => orderId);
    const records = await gate.readOrders({ saleId, productId }, ids);
    for (const order of ofItem) {
      const record = records.get(order.orderId);
      const { shopperId } = order;
      const names = [shopperId, pseudonyms.get(shopperId) ?? shopperId];
      if (record?.outcome !== 'order' || names.some((name) => record.belongsTo(name))) continue;
      strange.push({ ...order, belongsTo: record.belongsTo });
    }
  }
  return strange;
}

/**
 * The pseudonyms that an earlier run gave these orders at the gate before it was cut off, by shopper. Its key is gone, so
 * they are looked up: the order's record has the pseudonym's hash, and the counts have the pseudonym.
 */
export async function pseudonymsAtGate(
  gate: GateClient,
  saleId: string,
  orders: readonly StrangeOrder[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [productId, ofItem] of byProduct(orders)) {
    for await (const { shopperId: pseudonym } of gate.shoppersOf({ saleId, productId })) {
      if (!FORGOTTEN_SHOPPER_PATTERN.test(pseudonym)) continue;
      const order = ofItem.find(({ belongsTo }) => belongsTo(pseudonym));
      if (order !== undefined) found.set(order.shopperId, pseudonym);
    }
  }
  return found;
}

/** Writes the pseudonyms at the gate. Items whose keys have ended have no names. */
export async function renameAtGate(
  gate: GateClient,
  saleId: string,
  { orders, pseudonyms }: Renames,
): Promise<void> {
  const calls = [...byProduct(orders)].flatMap(([productId, ofItem]) =>
    [...groupBy(ofItem, ({ shopperId }) => shopperId)].flatMap(([shopperId, ofShopper]) => {
      const pseudonym = pseudonyms.get(shopperId);
      const orderIds = ofShopper.map(({ orderId }) => orderId);
      return pseudonym === undefined ? [] : [{ saleId, productId, shopperId, pseudonym, orderIds }];
    }),
  );
  for (const slice of slicesOf(calls, CALLS_AT_ONCE)) {
    await Promise.all(slice.map((call) => gate.forget(call)));
  }
}

function byProduct<Order extends NamedOrder>(orders: readonly Order[]): ReadonlyMap<string, Group<Order>> {
  return groupBy(orders, ({ productId }) => productId);
}
