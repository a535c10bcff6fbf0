import { statusOfState, type ItemRef, type OrderState } from '@flux/contracts';
import { releaseIdOf, slicesOf, type Release, type StateWrite } from '@flux/gate';
import { groupBy } from './group-by';
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

export function itemOf({ sale_id, product_id }: UntoldRow): ItemRef {
  return { saleId: sale_id, productId: product_id };
}

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
  const groups = groupBy(untold, ({ state, gateEpoch }) => `${kindOf(state)} ${gateEpoch}`);
  return [...groups.values()].flatMap((group) => {
    const [{ state, gateEpoch: epoch }] = group;
    return slicesOf(group, ORDERS_PER_CALL).map((orders) => ({ kind: kindOf(state), epoch, orders }));
  });
}

function kindOf(state: OrderState): Part['kind'] {
  return state === 'cancelled' || state === 'expired' ? 'ended' : 'goesOn';
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
