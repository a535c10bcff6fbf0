import { orderIdOf } from '@flux/contracts';
import { audit } from './audit-runs';
import type { AuditReport } from '../src/audit-report';
import type { AuditWorld, PlannedOrder } from '@flux/testing';

const LETTERS = {
  confirmed: 'c',
  paid: 'p',
  parked: 'a',
  rejected: 'r',
  cancelled: 'x',
  expired: 'e',
} as const;

/** Does to a world what a rebuild of its gate does, by the tests' own hand. */
export async function rebuildGate(world: AuditWorld, epoch: number): Promise<void> {
  const { servers, keys, saleId, productId } = world;
  const ends = await servers.admin.fetchTopicOffsets(servers.topic);
  const offsets = ends.map(({ high }) => Number(high));
  await servers.sql(
    `UPDATE ledger SET epoch = $3, epoch_offset = $4, watermark = 0, watermark_order_id = '', ahead = '[]'
      WHERE sale_id = $1 AND product_id = $2`,
    ...[saleId, productId, epoch, Math.max(...offsets) - 1],
  );
  await servers.redis.unlink(keys.outbox, keys.changes, keys.timeline, keys.lease);
  await servers.redis.hset(keys.item, { epoch, sequence: 0, watermark: 0, version: epoch * 1e9 + 1 });
  for (const order of world.orders) await setRebuilt(world, order);
  await servers.redis.unlink(keys.passes);
  const accepted = world.orders.filter(({ state }) => state !== 'rejected');
  await servers.redis.sadd(keys.passes, ...accepted.flatMap(({ passId }) => passId ?? []));
}

export async function setRebuilt(world: AuditWorld, order: PlannedOrder, state?: string): Promise<void> {
  await world.setRecord(order, {
    state: state ?? LETTERS[order.state],
    sequence: 0,
    cancelSequence: undefined,
  });
}

/**
 * An order that an old master accepted and the ledger refused for its epoch: the new gate never heard of it.
 * @returns the order, and the history with its client's answer
 */
export async function zombieOrder(
  world: AuditWorld,
  changes: { readonly state?: string; readonly reason?: string | null } = {},
): Promise<{ readonly orderId: string; readonly history: readonly string[] }> {
  const { state = 'rejected', reason = 'old-epoch' } = changes;
  const { saleId, productId, servers } = world;
  const [shopperId, key] = ['zed', 'key-of-zed-0123456789'];
  const orderId = orderIdOf({ saleId, productId, shopperId, idempotencyKey: key });
  const zombie = { ...world.order(1), orderId, shopperId, key, quantity: 1, sequence: 40 };
  await servers.sql(
    `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason, epoch, sequence,
       accepted_at, decided_at)
     VALUES ($1, $2, $3, $4, 1, $5, $6, $7, 1, 40, $8, $9)`,
    ...[orderId, saleId, productId, shopperId, zombie.fingerprint, state, reason],
    ...[new Date(zombie.acceptedAtMs), new Date(world.decidedAtMs({ ...zombie, past: [] }))],
  );
  await world.sendEvent([zombie]);
  await world.sendStatuses(world.statusEvents({ ...zombie, state: 'rejected', past: [] }));
  return { orderId, history: world.historyLines([...world.history, world.answer(zombie)]) };
}

/** Audits with a history of its own. */
export async function auditWith(world: AuditWorld, history: readonly string[]): Promise<AuditReport> {
  return audit(world, { history });
}
