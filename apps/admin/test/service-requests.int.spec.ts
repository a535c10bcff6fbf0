import type { ShopOrder } from '@flux/contracts';
import { OrderEntity, ServiceRequestEntity } from '@flux/ledger';
import { randomId } from '@flux/testing';
import { ServiceRequests } from '../src/shop/service-requests';
import { AdminWorld, type Answer, SECOND_SERVICE, newKey, statusAndCode } from './admin.world';
import { OrderLife } from './order-life';
import { ShopBackend, money } from './shop-backend';

jest.setTimeout(60_000);

describe('a request of the shop under an idempotency key', () => {
  let world: AdminWorld;
  let life: OrderLife;
  let shop: ShopBackend;
  beforeAll(async () => {
    world = await AdminWorld.start();
    life = new OrderLife(world);
    shop = new ShopBackend(world);
  });
  afterAll(() => world.stop());

  const replayed = ({ headers }: Answer) => headers.get('idempotency-replayed');

  it('gets the first answer again, word for word, though the order has gone on', async () => {
    const item = await world.openSale(3);
    const orderId = await life.confirmed(item, { shopperId: 'ann' });
    const key = newKey();
    const first = await shop.cancel(orderId, { reason: 'Fraud' }, key);
    expect([first.status, replayed(first)]).toEqual([200, null]);
    expect((await shop.pay(orderId)).status).toBe(200);
    for (const headers of [key, { 'idempotency-key': `"${key['idempotency-key'] ?? ''}"` }]) {
      const again = await shop.cancel(orderId, { reason: 'Fraud' }, headers);
      expect([again.status, replayed(again)]).toEqual([200, 'true']);
      expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body));
    }
    expect((await shop.detail(orderId)).status).toBe('paid');
  });

  it('gets a decision against it again, too', async () => {
    const item = await world.openSale(3);
    const orderId = await life.confirmed(item);
    const [body, key] = [money({ amountMinor: 1 }), newKey()];
    expect(statusAndCode(await shop.pay(orderId, body, key))).toEqual([400, 'amount-mismatch']);
    const again = await shop.pay(orderId, body, key);
    expect([...statusAndCode(again), replayed(again)]).toEqual([400, 'amount-mismatch', 'true']);
    expect(again.headers.get('content-type')).toBe('application/problem+json');
  });

  it('is refused for another body, another order; and known per action and per service', async () => {
    const item = await world.openSale(5);
    const [one, other] = [await life.confirmed(item), await life.confirmed(item)];
    const [body, key] = [money(), newKey()];
    expect((await shop.pay(one, body, key)).status).toBe(200);
    for (const answer of [
      await shop.pay(one, money(), key),
      await shop.pay(one, { ...body, amountMinor: 1 }, key),
      await shop.pay(one, { ...body, currency: 'USD' }, key),
      await shop.pay(other, body, key),
    ]) {
      expect(statusAndCode(answer)).toEqual([422, 'idempotency-key-reused']);
      expect(replayed(answer)).toBeNull();
    }
    expect((await shop.cancel(other, { reason: 'Fraud' }, key)).status).toBe(200);
    const byAnother = await world.shop('POST', `/orders/${one}/paid`, {
      key: SECOND_SERVICE.key,
      body,
      headers: key,
    });
    expect([byAnother.status, replayed(byAnother)]).toEqual([200, null]);
  });

  it('in parallel is one request: one effect, one answer', async () => {
    const item = await world.openSale(5);
    const orderId = await life.confirmed(item);
    const [body, key] = [money(), newKey()];
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.pay(orderId, body, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await shop.units(item)).toEqual([4, 0, 1]);
    const { payments, refunds } = await shop.detail(orderId);
    expect([payments.length, refunds.length]).toEqual([1, 0]);
  });

  it('in parallel with two bodies: one of them has the key', async () => {
    const item = await world.openSale(5);
    const orderId = await life.confirmed(item);
    const key = newKey();
    const bodies = Array.from({ length: 8 }, (_, index) => ({ reason: `Reason ${index % 2}` }));
    const answers = await Promise.all(bodies.map((body) => shop.cancel(orderId, body, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 422, 422, 422, 422]);
    const reasons = answers
      .filter(({ status }) => status === 200)
      .map(({ body }) => (body as ShopOrder).reason);
    expect(new Set(reasons).size).toBe(1);
    expect((await shop.detail(orderId)).reason).toBe(reasons[0]);
  });

  it('that no final answer was given to is carried out again, and then has one', async () => {
    const item = await world.openSale(5);
    const [body, key] = [money(), newKey()];
    const orderId = await life.accepted(item);
    for (let repeat = 0; repeat < 2; repeat += 1) {
      const early = await shop.pay(orderId, body, key);
      expect([...statusAndCode(early), replayed(early)]).toEqual([409, 'not-confirmed', null]);
    }
    await life.confirmed(item);
    const paid = await shop.pay(orderId, body, key);
    expect([paid.status, replayed(paid)]).toEqual([200, null]);
    expect(replayed(await shop.pay(orderId, body, key))).toBe('true');
  });

  it('that a crash cut before the answer was stored is carried out again without harm', async () => {
    const item = await world.openSale(5);
    const orderId = await life.confirmed(item);
    const [body, key] = [money(), newKey()];
    const first = await shop.pay(orderId, body, key);
    // As if the process had died between the two writes.
    await world.dataSource.manager.updateAll(ServiceRequestEntity, {
      status: () => 'NULL',
      body: () => 'NULL',
    });
    const again = await shop.pay(orderId, body, key);
    expect([again.status, replayed(again)]).toEqual([200, null]);
    expect(again.body).toEqual(first.body);
    expect(await shop.units(item)).toEqual([4, 0, 1]);
    expect(replayed(await shop.pay(orderId, body, key))).toBe('true');
  });

  it('shows the pseudonym of a shopper who was removed since, and keeps neither name nor raw key', async () => {
    const item = await world.openSale(5);
    const shopperId = randomId('secret-shopper');
    const orderId = await life.confirmed(item, { shopperId });
    const key = newKey();
    const body = money();
    expect((await shop.pay(orderId, body, key)).body).toMatchObject({ shopperId });
    const rows = JSON.stringify(await world.dataSource.manager.find(ServiceRequestEntity));
    expect(rows).toContain(orderId);
    expect(rows).not.toContain(shopperId);
    expect(rows).not.toContain(key['idempotency-key']);
    await world.dataSource.manager.update(OrderEntity, { orderId }, { shopperId: 'forgotten-7' });
    const again = await shop.pay(orderId, body, key);
    expect([replayed(again), (again.body as ShopOrder).shopperId]).toEqual(['true', 'forgotten-7']);
  });

  it('is kept for a week, and then forgotten without harm', async () => {
    const item = await world.openSale(5);
    const orderId = await life.confirmed(item);
    const [body, key] = [money(), newKey()];
    expect((await shop.pay(orderId, body, key)).status).toBe(200);
    const requests = world.app.get(ServiceRequests);
    const age = (interval: string) =>
      world.dataSource.query(`UPDATE service_requests SET created_at = now() - interval '${interval}'`);
    await age('6 days 23 hours');
    await requests.prune();
    expect(replayed(await shop.pay(orderId, body, key))).toBe('true');
    await age('7 days 1 hour');
    await requests.prune();
    expect(await world.dataSource.manager.count(ServiceRequestEntity)).toBe(0);
    const again = await shop.pay(orderId, body, key);
    expect([again.status, replayed(again)]).toEqual([200, null]);
    expect(await shop.units(item)).toEqual([4, 0, 1]);
  });

  it('of another form is refused', async () => {
    const orderId = await life.confirmed(await world.openSale(1));
    for (const key of ['short', 'x'.repeat(65), 'sixteen characters', '"']) {
      const answer = await shop.pay(orderId, money(), { 'idempotency-key': key });
      expect(statusAndCode(answer)).toEqual([400, 'invalid-idempotency-key']);
    }
  });
});
