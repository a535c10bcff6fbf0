import { itemKeys } from '@flux/gate';
import { purchase, waitUntil } from '@flux/testing';
import { AdminWorld, newKey, statusAndCode } from './admin.world';
import { OrderLife } from './order-life';
import { PRICE, ShopBackend, money } from './shop-backend';

jest.setTimeout(60_000);

describe('what the shop does to orders', () => {
  let world: AdminWorld;
  let life: OrderLife;
  let shop: ShopBackend;
  beforeAll(async () => {
    world = await AdminWorld.start();
    life = new OrderLife(world);
    shop = new ShopBackend(world);
  });
  afterAll(() => world.stop());

  describe('paid', () => {
    it('turns a confirmed order into a paid one, in ledger and gate, once per payment id', async () => {
      const item = await world.openSale(5);
      const orderId = await life.confirmed(item, { quantity: 2 });
      const body = money({ amountMinor: 2 * PRICE });
      const answer = await shop.pay(orderId, body);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        orderId,
        ...item,
        status: 'paid',
        quantity: 2,
        amountMinor: 2 * PRICE,
      });
      expect(answer.body).not.toHaveProperty('holdUntil');
      expect(await shop.pay(orderId, body)).toMatchObject({ status: 200, body: answer.body });
      expect(await shop.units(item)).toEqual([3, 0, 2]);
      await waitUntil('the gate has heard', async () => (await life.statusAtGate(orderId)) === 'paid');
      const { history, payments, refunds } = await shop.detail(orderId);
      expect(history.map(({ status }) => status)).toEqual(['accepted', 'confirmed', 'paid']);
      expect(payments).toMatchObject([{ paymentId: body.paymentId, state: 'applied' }]);
      expect(refunds).toEqual([]);
    });

    it('late takes a unit anew while there is one', async () => {
      const item = await world.openSale(1);
      const orderId = await life.confirmed(item);
      await life.expired(orderId);
      expect(await shop.units(item)).toEqual([1, 0, 0]);
      expect(await shop.pay(orderId)).toMatchObject({ status: 200, body: { status: 'paid' } });
      expect(await shop.units(item)).toEqual([0, 0, 1]);
      const { history } = await shop.detail(orderId);
      expect(history.map(({ status }) => status)).toEqual(['accepted', 'confirmed', 'expired', 'paid']);
    });

    it('late without a unit is a refund, exactly one', async () => {
      const item = await world.openSale(1);
      const orderId = await life.confirmed(item);
      await life.expired(orderId);
      await life.confirmed(item);
      const body = money();
      for (let repeat = 0; repeat < 3; repeat += 1) {
        expect(statusAndCode(await shop.pay(orderId, body))).toEqual([409, 'refund-due']);
      }
      const { status, refunds, payments } = await shop.detail(orderId);
      expect(status).toBe('expired');
      expect(refunds).toMatchObject([
        { paymentId: body.paymentId, amountMinor: PRICE, currency: 'EUR', state: 'due' },
      ]);
      expect(payments).toMatchObject([{ state: 'refund-due' }]);
      expect(await shop.units(item)).toEqual([0, 1, 0]);
    });

    it('twice by two payments is one sale and one refund', async () => {
      const item = await world.openSale(2);
      const orderId = await life.confirmed(item);
      const bodies = [money(), money()];
      const answers = await Promise.all(bodies.map((body) => shop.pay(orderId, body)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(await shop.units(item)).toEqual([1, 0, 1]);
      expect((await shop.detail(orderId)).refunds).toHaveLength(1);
    });

    it('by a payment that was refunded before is told so', async () => {
      const item = await world.openSale(2);
      const orderId = await life.confirmed(item);
      const body = money();
      await world.dataSource.query(
        `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, reason, state, done_at)
         VALUES ($1, $2, $3, 'EUR', 'went back', 'done', now())`,
        [body.paymentId, orderId, PRICE],
      );
      const answer = await shop.pay(orderId, body);
      expect(statusAndCode(answer)).toEqual([409, 'refund-due']);
      expect(answer.body).toMatchObject({ detail: expect.stringContaining('refunded before') as string });
      expect((await shop.detail(orderId)).status).toBe('confirmed');
    });

    it.each([
      [{ amountMinor: PRICE - 1 }],
      [{ amountMinor: 0 }],
      [{ amountMinor: 2 * PRICE }],
      [{ currency: 'USD' }],
    ])('S32: with %j is a mismatch, and changes nothing', async (changes) => {
      const item = await world.openSale(2);
      const orderId = await life.confirmed(item);
      expect(statusAndCode(await shop.pay(orderId, money(changes)))).toEqual([400, 'amount-mismatch']);
      const { status, payments, refunds } = await shop.detail(orderId);
      expect([status, payments, refunds]).toEqual(['confirmed', [], []]);
      expect(await shop.units(item)).toEqual([1, 1, 0]);
    });

    it('by the payment of another order is refused, and changes nothing', async () => {
      const item = await world.openSale(3);
      const [one, other] = [await life.confirmed(item), await life.confirmed(item)];
      const body = money();
      expect((await shop.pay(one, body)).status).toBe(200);
      expect(statusAndCode(await shop.pay(other, body))).toEqual([422, 'idempotency-key-reused']);
      expect((await shop.detail(other)).status).toBe('confirmed');
    });

    it('before the ledger has confirmed it is told to come again: in the outbox, and parked', async () => {
      const [item, other] = [await world.openSale(3), await world.openSale(3)];
      const accepted = await life.accepted(item);
      const { orderIds } = await life.parked(other, [{}]);
      for (const orderId of [accepted, ...orderIds]) {
        const answer = await shop.pay(orderId);
        expect(statusAndCode(answer)).toEqual([409, 'not-confirmed']);
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
        expect((await shop.detail(orderId)).payments).toEqual([]);
      }
    });

    it('late while the gate cannot be asked is told to come again, and is completed by itself', async () => {
      const item = await world.openSale(1);
      const orderId = await life.confirmed(item);
      await life.expired(orderId);
      const stock = await world.redis.client.getdel(itemKeys(item).stock);
      const [body, key] = [money(), newKey()];
      const answer = await shop.pay(orderId, body, key);
      expect(statusAndCode(answer)).toEqual([503, 'not-ready']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect((await shop.detail(orderId)).payments).toMatchObject([
        { paymentId: body.paymentId, state: 'pending' },
      ]);
      await world.redis.client.set(itemKeys(item).stock, stock ?? '');
      const repeat = await shop.pay(orderId, body, key);
      expect([repeat.status, repeat.headers.get('idempotency-replayed')]).toEqual([200, null]);
      expect(await shop.units(item)).toEqual([0, 0, 1]);
    });

    it.each([
      [{ amountMinor: -1 }, '/amountMinor'],
      [{ amountMinor: 19.99 }, '/amountMinor'],
      [{ amountMinor: '1999' }, '/amountMinor'],
      [{ amountMinor: 2 ** 53 }, '/amountMinor'],
      [{ currency: 'eur' }, '/currency'],
      [{ currency: 'EURO' }, '/currency'],
      [{ paymentId: '' }, '/paymentId'],
      [{ paymentId: 'a b' }, '/paymentId'],
      [{ paymentId: 'x'.repeat(256) }, '/paymentId'],
      [{ status: 'paid' }, ''],
      [{ shopperId: 'eve' }, ''],
      [{ priceMinor: 1 }, ''],
    ])('refuses the body %j with a pointer', async (changes, pointer) => {
      const orderId = await life.confirmed(await world.openSale(1));
      const answer = await shop.pay(orderId, money(changes));
      expect(statusAndCode(answer)).toEqual([400, 'invalid-request']);
      expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
      expect((await shop.detail(orderId)).status).toBe('confirmed');
    });
  });

  describe('cancelled', () => {
    it('gives the units back, with the reason in its history; a repeat changes nothing', async () => {
      const item = await world.openSale(5);
      const orderId = await life.confirmed(item, { quantity: 2 });
      const answer = await shop.cancel(orderId, { reason: 'Payment was refused' });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'cancelled', reason: 'Payment was refused' },
      });
      await waitUntil('the units are back', async () => (await shop.units(item))[0] === 5);
      const repeat = await shop.cancel(orderId, { reason: 'Another reason' });
      expect(repeat).toMatchObject({ status: 200, body: { reason: 'Payment was refused' } });
      expect(await shop.units(item)).toEqual([5, 0, 0]);
      expect(await life.statusAtGate(orderId)).toBe('cancelled');
      const { history } = await shop.detail(orderId);
      expect(history.at(-1)).toMatchObject({ status: 'cancelled', reason: 'Payment was refused' });
    });

    it('ends a parked order too', async () => {
      const item = await world.openSale(2);
      const { orderIds } = await life.parked(item, [{}]);
      expect(await shop.cancel(orderIds[0] ?? '')).toMatchObject({
        status: 200,
        body: { status: 'cancelled' },
      });
      await waitUntil('the unit is back', async () => (await shop.units(item))[0] === 2);
    });

    it('is refused once it is paid, expired or rejected', async () => {
      const item = await world.openSale(5);
      const [paid, expired] = [await life.confirmed(item), await life.confirmed(item)];
      await shop.pay(paid);
      await life.expired(expired);
      await world.dataSource.query('UPDATE ledger SET initial = sold WHERE sale_id = $1', [item.saleId]);
      const rejected = await life.confirmed(item);
      for (const [orderId, status] of [
        [paid, 'paid'],
        [expired, 'expired'],
        [rejected, 'rejected'],
      ] as const) {
        expect(statusAndCode(await shop.cancel(orderId))).toEqual([409, 'not-cancellable']);
        expect((await shop.detail(orderId)).status).toBe(status);
      }
    });

    it('waits for the ledger', async () => {
      const orderId = await life.accepted(await world.openSale(2));
      const answer = await shop.cancel(orderId);
      expect(statusAndCode(answer)).toEqual([409, 'not-confirmed']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    });

    it.each([
      [{}, '/reason'],
      [{ reason: ' ' }, '/reason'],
      [{ reason: 'x'.repeat(501) }, '/reason'],
      [{ reason: 'x', status: 'cancelled' }, ''],
      [[], ''],
    ])('refuses the body %j with a pointer', async (body, pointer) => {
      const orderId = await life.confirmed(await world.openSale(1));
      const answer = await shop.cancel(orderId, body);
      expect(statusAndCode(answer)).toEqual([400, 'invalid-request']);
      expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
      expect((await shop.detail(orderId)).status).toBe('confirmed');
    });
  });

  it('is a 404 for orders that nobody has', async () => {
    const item = await world.openSale();
    for (const { orderId } of [purchase(item), purchase({ saleId: 'nowhere', productId: 'nothing' })]) {
      for (const answer of [
        await shop.pay(orderId),
        await shop.cancel(orderId),
        await shop.pay(orderId, money(), newKey()),
      ]) {
        expect(statusAndCode(answer)).toEqual([404, 'unknown-order']);
      }
    }
  });

  it('refuses what no order id is, other types of body and bodies that are too large', async () => {
    const orderId = purchase(await world.openSale()).orderId;
    for (const action of ['paid', 'cancel']) {
      const path = `/orders/${orderId}/${action}`;
      const text = { body: '{}', headers: { 'content-type': 'text/plain' } };
      expect((await world.shop('POST', `/orders/a.b.c/${action}`, { body: money() })).status).toBe(400);
      expect((await world.shop('POST', path, text)).status).toBe(415);
      expect((await world.shop('POST', path, { body: 'x'.repeat(1_048_577) })).status).toBe(413);
      expect((await world.shop('POST', path, { body: '{"reason":"a","reason":"b"}' })).status).toBe(400);
    }
  });

  it('lists refunds by payment id and state', async () => {
    const item = await world.openSale(2);
    const orderId = await life.confirmed(item);
    await shop.pay(orderId);
    const mine: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const body = money();
      mine.push(body.paymentId);
      expect(statusAndCode(await shop.pay(orderId, body))).toEqual([409, 'refund-due']);
    }
    await world.dataSource.query("UPDATE refunds SET state = 'done', done_at = now() WHERE payment_id = $1", [
      mine[0],
    ]);
    interface Page {
      readonly refunds: readonly {
        readonly paymentId: string;
        readonly state: string;
        readonly doneAt?: string;
      }[];
      readonly next: string | null;
    }
    const all = async (query: string): Promise<Page['refunds']> => {
      const found: Page['refunds'][number][] = [];
      for (let after = ''; ;) {
        const { refunds, next } = (await world.shop('GET', `/refunds?limit=2${query}${after}`)).body as Page;
        found.push(...refunds);
        if (next === null) return found.filter(({ paymentId }) => mine.includes(paymentId));
        after = `&after=${next}`;
      }
    };
    expect((await all('')).map(({ paymentId }) => paymentId)).toEqual([...mine].sort());
    expect((await all('&state=due')).map(({ paymentId }) => paymentId)).toEqual(mine.slice(1).sort());
    const done = await all('&state=done');
    expect(done).toMatchObject([{ paymentId: mine[0], state: 'done', orderId, amountMinor: PRICE }]);
    expect(done[0]?.doneAt).toMatch(/Z$/);
    for (const query of ['?state=paid', '?limit=0', '?after=a%20b', '?orderId=x']) {
      expect((await world.shop('GET', `/refunds${query}`)).status).toBe(400);
    }
  });
});
