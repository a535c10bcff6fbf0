import type { ItemRef, ShopOrder, ShopOrderDetail } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { PaymentEntity, RefundEntity } from '@flux/ledger';
import { TcpProxy, purchase, randomId, waitUntil } from '@flux/testing';
import { AdminWorld, codeOf } from './admin.world';
import { insertOrder } from './order-fixtures';

jest.setTimeout(60_000);

interface Page {
  readonly orders: readonly ShopOrder[];
  readonly next: string | null;
}

describe("the shop's orders", () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());

  async function list(query: string): Promise<Page> {
    const answer = await world.shop('GET', `/orders${query}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as Page;
  }

  async function detail(orderId: string): Promise<ShopOrderDetail> {
    const answer = await world.shop('GET', `/orders/${orderId}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as ShopOrderDetail;
  }

  describe('listed', () => {
    it('come by id, page by page, each once', async () => {
      const item = await world.createSale({}, 20);
      const made: string[] = [];
      for (let count = 0; count < 7; count += 1) {
        made.push((await insertOrder(world.dataSource, item)).orderId);
      }
      const seen: string[] = [];
      let query = `?saleId=${item.saleId}&limit=3`;
      for (;;) {
        const { orders, next } = await list(query);
        expect(orders.length).toBeLessThanOrEqual(3);
        seen.push(...orders.map(({ orderId }) => orderId));
        if (next === null) break;
        query = `?saleId=${item.saleId}&limit=3&after=${next}`;
      }
      expect(seen).toEqual(made.sort());
    });

    it('are those of the sale, or of all sales', async () => {
      const name = randomId('s').slice(0, 12);
      // `-` stands before `.` and `_` behind it: neither sale is in the other's range.
      const [one, two, three] = [
        await world.createSale({ id: name }),
        await world.createSale({ id: `${name}-x` }),
        await world.createSale({ id: `${name}_x` }),
      ];
      for (const item of [one, two, three]) await insertOrder(world.dataSource, item);
      for (const item of [one, two, three]) {
        expect((await list(`?saleId=${item.saleId}`)).orders.map(({ saleId }) => saleId)).toEqual([
          item.saleId,
        ]);
      }
      const all = new Set((await list('?limit=100')).orders.map(({ saleId }) => saleId));
      expect([one, two, three].every(({ saleId }) => all.has(saleId))).toBe(true);
      expect((await list('?saleId=nowhere')).orders).toEqual([]);
    });

    it('are those of a status; parked ones are accepted', async () => {
      const item = await world.createSale({}, 20);
      const states = ['confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid'] as const;
      for (const state of states) await insertOrder(world.dataSource, item, { state, quantity: 2 });
      for (const state of states) {
        const status = state === 'parked' ? 'accepted' : state;
        const { orders, next } = await list(`?saleId=${item.saleId}&status=${status}&limit=1`);
        expect(orders.map((order) => order.status)).toEqual([status]);
        expect(
          (await list(`?saleId=${item.saleId}&status=${status}&limit=1&after=${next ?? ''}`)).orders,
        ).toEqual([]);
      }
      const [rejected] = (await list(`?saleId=${item.saleId}&status=rejected`)).orders;
      expect(rejected).toMatchObject({
        reason: 'no-units',
        quantity: 2,
        amountMinor: 3_998,
        currency: 'EUR',
      });
      expect(rejected).not.toHaveProperty('holdUntil');
      const [confirmed] = (await list(`?saleId=${item.saleId}&status=confirmed`)).orders;
      expect(confirmed).not.toHaveProperty('reason');
      expect(Date.parse(confirmed?.holdUntil ?? '')).toBeGreaterThan(Date.now());
    });

    it('show the pseudonym of who was removed', async () => {
      const item = await world.createSale();
      await insertOrder(world.dataSource, item, { shopperId: 'forgotten-3f9a' });
      expect((await list(`?saleId=${item.saleId}`)).orders).toMatchObject([{ shopperId: 'forgotten-3f9a' }]);
    });

    it.each([
      ['?limit=0', '/limit'],
      ['?limit=101', '/limit'],
      ['?limit=-1', '/limit'],
      ['?after=a.b.c', '/after'],
      ['?saleId=a%7Bb', '/saleId'],
      ['?status=parked', '/status'],
      ['?status=paid&status=expired', '/status'],
      ['?shopperId=ann', ''],
    ])('are refused for %s with a pointer', async (query, pointer) => {
      for (const accept of ['application/json', 'text/csv']) {
        const answer = await world.shop('GET', `/orders${query}`, { headers: { accept } });
        expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
        expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
      }
    });
  });

  describe('read one by one', () => {
    it('have their history and the money that came for them', async () => {
      const item = await world.createSale({}, 20);
      const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 10, 0, second));
      const { orderId } = await insertOrder(world.dataSource, item, {
        state: 'paid',
        acceptedAt: at(0),
        decidedAt: at(50),
        history: [
          { status: 'confirmed', at: at(1).toISOString() },
          { status: 'expired', at: at(31).toISOString() },
        ],
      });
      const money = { orderId, amountMinor: 1_999, currency: 'EUR' };
      const { manager } = world.dataSource;
      const applied = { ...money, paymentId: randomId('pi'), state: 'applied', createdAt: at(50) } as const;
      const refused = {
        ...money,
        paymentId: randomId('pi'),
        state: 'refund-due',
        createdAt: at(60),
      } as const;
      await manager.insert(PaymentEntity, [refused, applied]);
      const refund = { ...money, paymentId: refused.paymentId, reason: 'paid before', createdAt: at(60) };
      await manager.insert(RefundEntity, { ...refund, state: 'done', doneAt: at(70) });
      expect(await detail(orderId)).toMatchObject({
        orderId,
        status: 'paid',
        updatedAt: at(50).toISOString(),
        history: [
          { status: 'accepted', at: at(0).toISOString() },
          { status: 'confirmed', at: at(1).toISOString() },
          { status: 'expired', at: at(31).toISOString() },
          { status: 'paid', at: at(50).toISOString() },
        ],
        payments: [
          {
            paymentId: applied.paymentId,
            state: 'applied',
            amountMinor: 1_999,
            createdAt: at(50).toISOString(),
          },
          { paymentId: refused.paymentId, state: 'refund-due' },
        ],
        refunds: [{ paymentId: refused.paymentId, state: 'done', doneAt: at(70).toISOString() }],
      });
    });

    it('come from the gate before the ledger knows them, with the shopper from the outbox', async () => {
      const item = await world.openSale(10);
      const requests = ['ann', 'bob', 'cat'].map((shopperId) => purchase(item, { shopperId, quantity: 2 }));
      // Two share an entry of the outbox, the third has its own.
      await Promise.all(requests.slice(0, 2).map((request) => world.gate.reserve(request)));
      await Promise.all(requests.slice(2).map((request) => world.gate.reserve(request)));
      for (const { orderId, shopperId } of requests) {
        const order = await detail(orderId);
        expect(order).toMatchObject({
          orderId,
          ...item,
          shopperId,
          quantity: 2,
          amountMinor: 3_998,
          status: 'accepted',
        });
        expect(order).toMatchObject({ payments: [], refunds: [] });
        expect(order.history).toEqual([{ status: 'accepted', at: order.acceptedAt }]);
        expect(order.updatedAt).toBe(order.acceptedAt);
      }
    });

    it('are unknown where neither ledger nor gate has them, whatever became of the sale', async () => {
      const [scheduled, open, retired] = [
        await world.createSale(),
        await world.openSale(),
        await world.openSale(),
      ];
      await world.dataSource.query("UPDATE sales SET state = 'retired' WHERE id = $1", [retired.saleId]);
      await world.redis.client.del(itemKeys(retired).item);
      for (const item of [scheduled, open, retired, { saleId: 'nowhere', productId: 'nothing' }]) {
        const answer = await world.shop('GET', `/orders/${purchase(item).orderId}`);
        expect([answer.status, codeOf(answer)]).toEqual([404, 'unknown-order']);
      }
      const invalid = await world.shop('GET', '/orders/not-an-order-id');
      expect([invalid.status, codeOf(invalid)]).toEqual([400, 'invalid-request']);
    });

    it('are not denied while the gate has lost the item', async () => {
      const item = await world.openSale();
      await world.redis.client.del(itemKeys(item).item);
      const answer = await world.shop('GET', `/orders/${purchase(item).orderId}`);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'not-ready']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    });
  });
});

describe("the shop's orders in an outage", () => {
  let world: AdminWorld;
  let item: ItemRef;
  beforeAll(async () => {
    world = await AdminWorld.start();
    item = await world.openSale();
  });
  afterAll(() => world.stop());

  it('are read from the ledger without Redis; what only the gate knows is a 503', async () => {
    const { orderId } = await insertOrder(world.dataSource, item);
    await world.redis.kill();
    await waitUntil('the gate is away', () => !world.gate.isReady());
    expect((await world.shop('GET', `/orders/${orderId}`)).status).toBe(200);
    expect((await world.shop('GET', `/orders?saleId=${item.saleId}`)).status).toBe(200);
    const unknown = await world.shop('GET', `/orders/${purchase(item).orderId}`);
    expect([unknown.status, codeOf(unknown)]).toEqual([503, 'temporarily-unavailable']);
    await world.redis.restart();
  });

  it('answer 503 without PostgreSQL, the exports too', async () => {
    const { hostname, port } = new URL(world.database.config.DATABASE_URL);
    const proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
    const url = new URL(world.database.config.DATABASE_URL);
    url.port = String(proxy.port);
    const other = await AdminWorld.start({ settings: { DATABASE_URL: url.href } });
    proxy.set('cut');
    for (const accept of ['application/json', 'text/csv', 'application/x-ndjson']) {
      const answer = await other.shop('GET', '/orders', { headers: { accept } });
      expect([accept, answer.status, codeOf(answer)]).toEqual([accept, 503, 'temporarily-unavailable']);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
    proxy.set('pass');
    await other.stop();
    await proxy.stop();
  });
});
