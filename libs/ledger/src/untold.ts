import { statusOfState, type ItemRef, type OrderState } from '@flux/contracts';
import { releaseIdOf, type Release, type StateWrite } from '@flux/gate';
import { itemKeyOf } from './ledger-rows';
import type { OrderChange } from './order-change';

/** One script call each, sent at once: purchases get their turn in between. */
const ORDERS_PER_CALL = 200;

export const UNTOLD_COLUMNS =
  'order_id, sale_id, product_id, shopper_id, quantity, state, decided_at, gate_epoch, gate_units';

export interface UntoldRow {
  readonly order_id: string;
  readonly sale_id: string;
  readonly product_id: string;
  readonly shopper_id: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly decided_at: Date;
  readonly gate_epoch: number;
  readonly gate_units: number;
}

/** A state that the gate has to hear of. */
export type Untold = Pick<
  OrderChange,
  'orderId' | 'shopperId' | 'quantity' | 'atMs' | 'gateEpoch' | 'gateUnits'
> & {
  readonly state: OrderState;
};

export function untoldOf(row: UntoldRow): Untold {
  return {
    orderId: row.order_id,
    shopperId: row.shopper_id,
    quantity: row.quantity,
    state: row.state,
    atMs: row.decided_at.getTime(),
    gateEpoch: row.gate_epoch,
    gateUnits: row.gate_units,
  };
}

/** Orders that one call tells of. */
export interface Part {
  readonly kind: 'ended' | 'goesOn';
  readonly epoch: number;
  readonly orders: readonly Untold[];
}

export function partsOf(untold: readonly Untold[]): Part[] {
  const groups = new Map<string, Part & { readonly orders: Untold[] }>();
  for (const order of untold) {
    const kind = isEnded(order.state) ? 'ended' : 'goesOn';
    const key = `${kind} ${order.gateEpoch}`;
    const group = groups.get(key) ?? { kind, epoch: order.gateEpoch, orders: [] };
    group.orders.push(order);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ kind, epoch, orders: all }) => {
    const parts: Part[] = [];
    for (let from = 0; from < all.length; from += ORDERS_PER_CALL) {
      parts.push({ kind, epoch, orders: all.slice(from, from + ORDERS_PER_CALL) });
    }
    return parts;
  });
}

function isEnded(state: OrderState): boolean {
  return state === 'cancelled' || state === 'expired';
}

export function releaseOf({ orderId, shopperId, state, quantity, gateUnits, atMs }: Untold): Release {
  return {
    changeId: releaseIdOf(orderId),
    orderId,
    status: statusOfState(state),
    shopperId,
    units: gateUnits,
    counted: quantity,
    changedAtMs: atMs,
  };
}

export function stateWriteOf({ orderId, shopperId, state, atMs }: Untold): StateWrite {
  return { orderId, status: statusOfState(state), shopperId, quantity: 0, changedAtMs: atMs };
}

export function byItem(
  rows: readonly UntoldRow[],
): ReadonlyMap<string, { readonly item: ItemRef; readonly rows: UntoldRow[] }> {
  const groups = new Map<string, { readonly item: ItemRef; readonly rows: UntoldRow[] }>();
  for (const row of rows) {
    const item = { saleId: row.sale_id, productId: row.product_id };
    const group = groups.get(itemKeyOf(item)) ?? { item, rows: [] };
    group.rows.push(row);
    groups.set(itemKeyOf(item), group);
  }
  return groups;
}
