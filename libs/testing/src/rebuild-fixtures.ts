import type { ItemRef } from '@flux/contracts';
import type {
  GateRebuild,
  RebuildBegin,
  RebuildBeginOutcome,
  RebuildEnd,
  RebuiltOrder,
  ReserveRequest,
} from '@flux/gate';
import { opening } from './gate-fixtures';
import { SETTLED_AT_MS } from './gate-world';

export const REBUILT_ACCEPTED_AT_MS = 1_780_000_000_000;

export const CLOSED_BY = '7.1';

/** The begin of a rebuild of an item that `opening` opened. */
export function beginOf(item: ItemRef, epoch = 2): RebuildBegin {
  const { perShopperLimit, opensAtMs, closesAtMs, holdMs } = opening(item);
  return { ...item, epoch, perShopperLimit, opensAtMs, closesAtMs, holdMs, closedBy: CLOSED_BY };
}

/** Closes what is there of the item, and begins upon it. */
export async function closeAndBegin(
  rebuild: GateRebuild,
  item: ItemRef,
  epoch = 2,
): Promise<RebuildBeginOutcome> {
  const { epoch: found } = await rebuild.look(item);
  await rebuild.close({ ...item, epoch: found, closedBy: CLOSED_BY });
  return rebuild.begin(beginOf(item, epoch));
}

/** As PostgreSQL has the purchase; confirmed unless told otherwise. */
export function rebuiltOrder(
  { orderId, shopperId, quantity, fingerprint }: ReserveRequest,
  changes: Partial<RebuiltOrder> = {},
): RebuiltOrder {
  const order = { orderId, shopperId, quantity, fingerprint, acceptedAtMs: REBUILT_ACCEPTED_AT_MS };
  return { ...order, status: 'confirmed', changedAtMs: SETTLED_AT_MS, liveUnits: quantity, ...changes };
}

/** In the order in which pages are written. */
export function byId(...orders: readonly RebuiltOrder[]): RebuiltOrder[] {
  return [...orders].sort((one, other) => (one.orderId < other.orderId ? -1 : 1));
}

/** The end in epoch 2, of no orders and with 5 units, open and current unless told otherwise. */
export function endWith(item: ItemRef, changes: Partial<RebuildEnd> = {}): RebuildEnd {
  return { ...item, epoch: 2, lastOrderId: '', available: 5, state: 'open', isCurrent: true, ...changes };
}
