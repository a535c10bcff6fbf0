import { FORGOTTEN_SHOPPER_PATTERN } from '@flux/contracts';
import type { SaleForgetting } from '@flux/ledger';
import { AuditWorld, waitUntil } from '@flux/testing';
import { ForgetWorld, shopperOf } from './forget-world';

jest.setTimeout(60_000);

let world: ForgetWorld;
beforeAll(async () => {
  world = await ForgetWorld.start();
});
afterAll(() => world.stop());

describe('one shopper', () => {
  test('is nowhere any more, and the accounts are as sound as before', async () => {
    const sale = await world.endedSale();
    const [ann, eve] = [shopperOf(sale, 1), shopperOf(sale, 5)];
    for (const sequence of [1, 5, 7]) await world.addDelivery(sale, sequence);
    expect(await world.verdictOf(sale)).toBe('proved');
    const before = await world.namesIn(sale);

    expect(await world.forgetting.forgetShopper(ann)).toEqual({
      sales: [{ outcome: 'forgotten', saleId: sale.saleId, shoppers: 1, orders: 2 }],
      deliveries: 4,
      messages: 0,
      waitingMessages: [],
    });
    expect(await world.placesOf(ann)).toEqual([]);
    const after = await world.namesIn(sale);
    expect(after[0]).toMatch(FORGOTTEN_SHOPPER_PATTERN);
    expect(after).toEqual(before.map((name) => (name === ann ? after[0] : name)));
    expect(await world.placesOf(after[0] ?? '')).toEqual([
      'orders',
      'webhook_deliveries',
      'order_events',
      sale.keys.shoppers,
    ]);
    expect(await world.verdictOf(sale)).toBe('proved');

    // Her name stood in a message that was parked and retried, too.
    expect(await world.forgetting.forgetShopper(eve)).toMatchObject({ deliveries: 2, messages: 1 });
    expect(await world.placesOf(eve)).toEqual([]);
    // From her pass one could have found out who she was.
    const { orderId, passId } = sale.order(5);
    const rows: unknown = await world.servers.database.query(
      'SELECT pass_id FROM orders WHERE order_id = $1',
      [orderId],
    );
    expect([passId, rows]).toEqual(['pass-of-eve-0001', [{ pass_id: null }]]);
    expect(await world.verdictOf(sale)).toBe('proved');
  });

  test('is forgotten once: a repeat finds nothing', async () => {
    const sale = await world.endedSale();
    await world.forgetting.forgetShopper(shopperOf(sale, 2));
    const names = await world.namesIn(sale);
    const nothing = { sales: [], deliveries: 0, messages: 0, waitingMessages: [] };
    expect(await world.forgetting.forgetShopper(shopperOf(sale, 2))).toEqual(nothing);
    expect(await world.namesIn(sale)).toEqual(names);
  });

  test('has another pseudonym in each sale', async () => {
    const sales = [
      await world.endedSale({ sameShoppers: true }),
      await world.endedSale({ sameShoppers: true }),
    ];
    const forgotten = await world.forgetting.forgetShopper('gus');
    expect(forgotten.sales).toHaveLength(2);
    const pseudonyms = await Promise.all(sales.map(async (sale) => (await world.namesIn(sale))[7]));
    expect(new Set(pseudonyms).size).toBe(2);
    for (const sale of sales) expect(await world.verdictOf(sale)).toBe('proved');
  });

  test('stays in a sale that runs, and leaves those that have ended', async () => {
    const ended = await world.endedSale({ sameShoppers: true });
    const running = new AuditWorld(world.servers);
    await running.build();
    const { sales } = await world.forgetting.forgetShopper('bob');
    const outcomeOf = ({ saleId }: AuditWorld): SaleForgetting | undefined =>
      sales.find((sale) => sale.saleId === saleId);
    expect(outcomeOf(ended)).toMatchObject({ outcome: 'forgotten' });
    expect(outcomeOf(running)).toEqual({
      outcome: 'skipped',
      saleId: running.saleId,
      reason: 'the sale is open: forget after its end',
    });
    expect(await world.namesIn(running)).toContain('bob');
    expect(await world.verdictOf(running)).toBe('proved');
  });

  test('is forgotten in PostgreSQL alone when the keys of a retired sale have ended', async () => {
    const sale = await world.endedSale();
    const { item, stock, orders, shoppers, changes } = sale.keys;
    await world.servers.redis.del(item, stock, orders, shoppers, changes);
    await world.servers.sql(
      "UPDATE sales SET state = 'retired', retired_at = now() WHERE id = $1",
      sale.saleId,
    );
    await world.forgetting.forgetShopper(shopperOf(sale, 1));
    expect(await world.placesOf(shopperOf(sale, 1))).toEqual([]);
    expect(await world.verdictOf(sale)).toBe('proved');
  });

  test('is named in messages without a sale: resolved ones are emptied, others are for a person', async () => {
    const name = 'zoe-of-no-sale';
    const insert = `INSERT INTO parked_messages (topic, partition, message_offset, value, headers, reason, state)
      VALUES ($1, 0, $2, convert_to($3, 'UTF8'), $4, '', $5)`;
    const topic = 'another';
    await world.servers.sql(
      insert,
      topic,
      1,
      `garbage of ${name}`,
      '{"type": "x", "foreign": "y"}',
      'discarded',
    );
    await world.servers.sql(insert, topic, 2, 'garbage', JSON.stringify({ shopper: name }), 'discarded');
    await world.servers.sql(insert, topic, 3, `garbage of ${name}`, '{}', 'parked');
    const first = await world.forgetting.forgetShopper(name);
    expect(first).toMatchObject({ messages: 2, waitingMessages: [expect.stringMatching(/^\d+$/)] });
    const headers: unknown = await world.servers.database.query(
      "SELECT headers, value FROM parked_messages WHERE topic = 'another' AND state <> 'parked' ORDER BY id",
    );
    expect(headers).toEqual([
      { headers: { type: 'x' }, value: null },
      { headers: {}, value: null },
    ]);

    await world.servers.sql("UPDATE parked_messages SET state = 'discarded' WHERE topic = $1", topic);
    expect(await world.forgetting.forgetShopper(name)).toMatchObject({ messages: 1, waitingMessages: [] });
    expect(await world.placesOf(name)).toEqual([]);
  });
});

describe('a whole sale', () => {
  test('has no names any more, and its accounts are as sound as before', async () => {
    const sale = await world.endedSale();
    for (const sequence of [1, 2, 9]) await world.addDelivery(sale, sequence);
    expect(await world.forgetting.forgetSale(sale.saleId)).toEqual({
      outcome: 'forgotten',
      saleId: sale.saleId,
      shoppers: 8,
      orders: 9,
    });
    for (const { shopperId } of sale.orders)
      expect([shopperId, await world.placesOf(shopperId)]).toEqual([shopperId, []]);
    expect(new Set(await world.namesIn(sale)).size).toBe(8);
    expect(await world.verdictOf(sale)).toBe('proved');
    expect(await world.forgetting.forgetSale(sale.saleId)).toMatchObject({ shoppers: 0, orders: 0 });
  });

  test('may be large: it is forgotten step by step', async () => {
    const sale = await world.endedSale();
    await world.servers.sql(
      `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason, epoch,
                           sequence, accepted_at, decided_at)
       SELECT format('%s.%s.%s', $1::text, $2::text, lpad(n::text, 22, '0')), $1, $2, 'fan-' || n % 150, 1, '', 'rejected',
              'no-units', 1, 10 + n, now(), now() FROM generate_series(1, 450) AS n`,
      ...[sale.saleId, sale.productId],
    );
    const fans = Array.from({ length: 150 }, (_, index) => [`fan-${index}`, 0] as const);
    await world.servers.redis.hset(sale.keys.shoppers, Object.fromEntries(fans));
    const counts = await world.servers.redis.hlen(sale.keys.shoppers);
    expect(await world.forgetting.forgetSale(sale.saleId)).toMatchObject({ shoppers: 158, orders: 459 });
    expect(new Set(await world.namesIn(sale)).size).toBe(158);
    expect(await world.placesOf('fan-')).toEqual([]);
    expect(await world.servers.redis.hlen(sale.keys.shoppers)).toBe(counts);
  });

  test('is forgotten when its retention time is over, and then no more', async () => {
    const [over, running, unlimited, open] = [
      await world.endedSale(),
      await world.endedSale(),
      await world.endedSale(),
      await world.endedSale({ state: 'open' }),
    ];
    const closed = (hours: number) => `closed_at = now() - interval '${hours} hours'`;
    for (const { saleId } of [over, running, open]) {
      await world.servers.sql(
        `UPDATE sales SET retention_ms = 86400000, ${closed(23)} WHERE id = $1`,
        saleId,
      );
    }
    for (const { saleId } of [over, unlimited, open]) {
      await world.servers.sql(`UPDATE sales SET ${closed(25)} WHERE id = $1`, saleId);
    }
    expect(await world.forgetting.salesToForget()).toEqual([over.saleId]);
    await world.forgetting.forgetSale(over.saleId);
    expect(await world.forgetting.salesToForget()).toEqual([]);
  });
});

describe('a run that was cut off', () => {
  const failing = {
    begin: () =>
      world.servers.sql(`
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off'; END $$;
        CREATE TRIGGER failing BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION fail()`),
    end: () => world.servers.sql('DROP TRIGGER failing ON orders; DROP FUNCTION fail()'),
  };

  test.each([
    { what: 'one shopper', forget: (sale: AuditWorld) => world.forgetting.forgetShopper(shopperOf(sale, 1)) },
    { what: 'a whole sale', forget: (sale: AuditWorld) => world.forgetting.forgetSale(sale.saleId) },
  ])('after the gate and before PostgreSQL is completed by the next: $what', async ({ forget }) => {
    const sale = await world.endedSale();
    await failing.begin();
    await expect(forget(sale)).rejects.toThrow('cut off');
    await failing.end();
    const [ann] = await world.namesIn(sale);
    expect(ann).toBe(shopperOf(sale, 1));
    const atGate = Object.keys(await world.servers.redis.hgetall(sale.keys.shoppers)).sort();
    expect(atGate).not.toContain(ann);

    await forget(sale);
    expect(await world.placesOf(ann ?? '')).toEqual([]);
    expect(Object.keys(await world.servers.redis.hgetall(sale.keys.shoppers)).sort()).toEqual(atGate);
    expect(await world.verdictOf(sale)).toBe('proved');
  });

  test('while another one waits is completed by that one', async () => {
    const sale = await world.endedSale();
    const [ann, { orderId }] = [shopperOf(sale, 1), sale.order(1)];
    const holder = world.servers.database.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [sale.saleId]);
    const waiting = world.forgetting.forgetShopper(ann);
    await waitUntil('it waits for the ledger', async () => {
      const locks: unknown[] = await world.servers.database.query('SELECT FROM pg_locks WHERE NOT granted');
      return locks.length > 0 ? true : undefined;
    });
    const pseudonym = `forgotten-${'q'.repeat(22)}`;
    const orderIds = [orderId, sale.order(7).orderId];
    await world.clients.gate.forget({ ...sale.item, shopperId: ann, pseudonym, orderIds });
    await holder.rollbackTransaction();
    await holder.release();

    await waiting;
    expect((await world.namesIn(sale))[0]).toBe(pseudonym);
    expect(await world.verdictOf(sale)).toBe('proved');
  });

  test('and two at once forget each shopper once', async () => {
    const sale = await world.endedSale();
    await Promise.all([
      world.forgetting.forgetSale(sale.saleId),
      world.forgetting.forgetSale(sale.saleId),
      world.forgetting.forgetShopper(shopperOf(sale, 1)),
    ]);
    expect(new Set(await world.namesIn(sale)).size).toBe(8);
    expect(await world.verdictOf(sale)).toBe('proved');
  });
});
