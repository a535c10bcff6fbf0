import { type ItemRef, type OrderState, fingerprintOf, orderIdOf } from '@flux/contracts';
import { LedgerEntity, OrderEntity } from '@flux/ledger';
import { randomId } from '@flux/testing';
import type { DataSource } from 'typeorm';

const SECOND_MS = 1_000;

/** A row of the ledger as the batch transaction would have written it; the counters follow with `countUnits`. */
export async function insertOrder(
  dataSource: DataSource,
  item: ItemRef,
  changes: Partial<OrderEntity> = {},
): Promise<OrderEntity> {
  const { shopperId = randomId('shopper'), quantity = 1, state = 'confirmed' } = changes;
  const acceptedAt = new Date(Date.now() - 10 * SECOND_MS);
  const order = dataSource.manager.create(OrderEntity, {
    ...item,
    orderId: orderIdOf({ ...item, shopperId, idempotencyKey: randomId('idempotency-key') }),
    shopperId,
    quantity,
    fingerprint: fingerprintOf({ ...item, quantity }),
    state,
    reason: state === 'rejected' ? 'no-units' : null,
    booked: state === 'parked' ? quantity : 0,
    epoch: 1,
    sequence: 1,
    acceptedAt,
    decidedAt: new Date(acceptedAt.getTime() + SECOND_MS),
    holdUntil: state === 'confirmed' ? new Date(Date.now() + 600 * SECOND_MS) : null,
    history: null,
    ...changes,
  });
  await dataSource.manager.insert(OrderEntity, order);
  await countUnits(dataSource, item);
  return order;
}

/** Sets the ledger's counters to what the rows say. */
async function countUnits(dataSource: DataSource, { saleId, productId }: ItemRef): Promise<void> {
  const unitsOf = (state: OrderState, column = 'quantity') =>
    `coalesce(sum(${column}) FILTER (WHERE state = '${state}'), 0)`;
  await dataSource.query(
    `UPDATE ledger SET (held, sold, parked) =
       (SELECT ${unitsOf('confirmed')}, ${unitsOf('paid')}, ${unitsOf('parked', 'booked')}
          FROM orders WHERE sale_id = $1 AND product_id = $2)
      WHERE sale_id = $1 AND product_id = $2`,
    [saleId, productId],
  );
}

/** Many confirmed orders of one unit, written by the server itself; the ledger gets units for them. */
export async function insertManyOrders(dataSource: DataSource, item: ItemRef, count: number): Promise<void> {
  await dataSource.manager.update(LedgerEntity, { ...item }, { initial: 2 * count });
  await dataSource.query(
    `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, epoch, sequence,
       accepted_at, decided_at, hold_until)
     SELECT $1 || '.' || $2 || '.' || lpad(n::text, 22, '0'), $1, $2, 'shopper-' || n, 1, 'fingerprint', 'confirmed', 1, n,
       now(), now(), now() + interval '10 min' FROM generate_series(1, $3::integer) n`,
    [item.saleId, item.productId, count],
  );
  await countUnits(dataSource, item);
}
