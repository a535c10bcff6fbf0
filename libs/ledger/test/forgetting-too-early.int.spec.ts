import type { AuditWorld } from '@flux/testing';
import { ForgetWorld, shopperOf } from './forget-world';

jest.setTimeout(60_000);

let world: ForgetWorld;
beforeAll(async () => {
  world = await ForgetWorld.start();
});
afterAll(() => world.stop());

describe('a sale that is not at its end', () => {
  const inLedger = (change: string) => (sale: AuditWorld) =>
    world.servers.sql(
      `UPDATE ledger SET ${change} WHERE sale_id = $1 AND product_id = $2`,
      sale.saleId,
      sale.productId,
    );
  const ofOrder = (change: string) => (sale: AuditWorld) =>
    world.servers.sql(`UPDATE orders SET ${change} WHERE order_id = $1`, sale.order(9).orderId);
  const inGate = (field: string, value: string | number) => async (sale: AuditWorld) => {
    await world.servers.redis.hset(sale.keys.item, field, value);
  };

  test.each<{ what: string; reason: RegExp; seed: (sale: AuditWorld) => Promise<void> }>([
    {
      what: 'is paused',
      reason: /^the sale is paused/,
      seed: ({ saleId }) => world.servers.sql("UPDATE sales SET state = 'paused' WHERE id = $1", saleId),
    },
    { what: 'has held orders', reason: /wait for their payment/, seed: inLedger('held = 1') },
    { what: 'has parked orders', reason: /messages are parked/, seed: inLedger('parked = 1') },
    {
      what: 'has a parked message that booked nothing',
      reason: /messages are parked/,
      seed: ({ saleId }) =>
        world.servers.sql("UPDATE parked_messages SET state = 'parked' WHERE sale_id = $1", saleId),
    },
    { what: 'waits for a rebuild', reason: /rebuild/, seed: inLedger("suspended_reason = 'it went back'") },
    {
      what: 'has an order the gate was not told of',
      reason: /not heard of/,
      seed: ofOrder('gate_epoch = 1'),
    },
    {
      what: 'has a late payment under way',
      reason: /late payments/,
      seed: (sale) =>
        world.servers.sql('UPDATE payments SET give_back_units = 1 WHERE payment_id = $1', sale.paymentOf(9)),
    },
    {
      what: 'has changes that are not published',
      reason: /not published/,
      seed: ({ saleId, productId }) =>
        world.servers.sql(
          `INSERT INTO order_events (sale_id, product_id, events)
           VALUES ($1, $2, '[["paid", 0, null, null, null, "key ann 1"]]')`,
          saleId,
          productId,
        ),
    },
    { what: 'is open at the gate', reason: /is open at the gate/, seed: inGate('state', 'open') },
    { what: 'has another epoch at the gate', reason: /in epoch 2/, seed: inGate('epoch', 2) },
    { what: 'has orders on their way', reason: /on their way/, seed: inGate('sequence', 11) },
    {
      what: 'has an outbox',
      reason: /on their way/,
      seed: async ({ keys }) => {
        await world.servers.redis.xadd(keys.outbox, '1-11', 'first', 11);
      },
    },
    {
      what: 'has lost its gate',
      reason: /the gate has lost/,
      seed: async ({ keys }) => {
        await world.servers.redis.del(keys.item);
      },
    },
    {
      what: 'has an order at the gate under a foreign name',
      reason: /audit the sale/,
      seed: (sale) => sale.setRecord({ ...sale.order(1), shopperId: 'stranger' }, { state: 'p' }),
    },
  ])('is left alone where it $what', async ({ reason, seed }) => {
    const sale = await world.endedSale();
    await seed(sale);
    const names = await world.namesIn(sale);
    const gate = await world.servers.redis.hgetall(sale.keys.shoppers);
    const skipped = {
      outcome: 'skipped',
      saleId: sale.saleId,
      reason: expect.stringMatching(reason) as string,
    };
    expect((await world.forgetting.forgetShopper(shopperOf(sale, 1))).sales).toEqual([skipped]);
    expect(await world.forgetting.forgetSale(sale.saleId)).toEqual(skipped);
    expect(await world.namesIn(sale)).toEqual(names);
    expect(await world.servers.redis.hgetall(sale.keys.shoppers)).toEqual(gate);
  });
});
