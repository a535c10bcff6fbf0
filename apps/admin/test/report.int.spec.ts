import { type ItemRef, ORDERS_ACCEPTED_TOPIC, ORDER_STATUS_TOPIC } from '@flux/contracts';
import { Refusals, itemKeys } from '@flux/gate';
import { ensureTopics } from '@flux/kafka';
import { RefundEntity } from '@flux/ledger';
import { deleteTopics, kafkaBrokers, randomId, topicPrefix } from '@flux/testing';
import { Kafka } from 'kafkajs';
import type { SaleReport } from '../src/report/report-answer';
import { AdminWorld, type Answer, codeOf } from './admin.world';
import { insertManyOrders, insertOrder } from './order-fixtures';

jest.setTimeout(60_000);

const HOSTILE = `<script>alert("1")</script>'&`;

describe('the report of a sale', () => {
  const prefix = topicPrefix();
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start({
      settings: {
        KAFKA_BROKERS: kafkaBrokers(),
        FLUX_TOPIC_PREFIX: prefix,
        FLUX_KAFKA_REPLICATION: '1',
        FLUX_KAFKA_PARTITIONS: '1',
      },
    });
    const topics = [ORDERS_ACCEPTED_TOPIC, ORDER_STATUS_TOPIC];
    await ensureTopics({ kafka: world.app.get(Kafka), settings: world.config, topics });
  });
  afterAll(async () => {
    await world.stop();
    await deleteTopics(prefix);
  });

  const ask = ({ saleId }: ItemRef, accept = 'application/json'): Promise<Answer> =>
    world.call('GET', `/admin/v1/sales/${saleId}/report`, { headers: { accept } });

  async function reportOf(item: ItemRef): Promise<SaleReport> {
    const answer = await ask(item);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as SaleReport;
  }

  async function pageOf({ saleId }: ItemRef): Promise<{ readonly headers: Headers; readonly text: string }> {
    const response = await fetch(`${await world.app.getUrl()}/admin/v1/sales/${saleId}/report`, {
      headers: { authorization: 'Bearer the-key-of-anna-0123456789', accept: 'text/html' },
    });
    expect(response.status).toBe(200);
    return { headers: response.headers, text: await response.text() };
  }

  it('has units, money, time and refusals, as the ledger and the gateways counted them', async () => {
    const item = await world.openSale(30);
    const { dataSource } = world;
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 9, 0, second, 250));
    const row = (second: number, changes: object) =>
      insertOrder(dataSource, item, { acceptedAt: at(second), ...changes });
    await row(0, { state: 'paid', quantity: 3 });
    await row(0, { state: 'paid', quantity: 2 });
    await row(2, { state: 'confirmed', quantity: 4 });
    await row(2, { state: 'expired', quantity: 1 });
    await row(3, { state: 'cancelled', reason: 'no-units', quantity: 1 });
    await row(5, { state: 'rejected', reason: 'no-units', quantity: 2 });
    await row(5, { state: 'rejected', reason: 'shopper-limit', quantity: 1 });
    await row(5, { state: 'parked', quantity: 2 });
    const { orderId } = await row(5, { state: 'expired' });
    const refund = { orderId, amountMinor: 1_999, reason: 'late' };
    await dataSource.manager.insert(RefundEntity, [
      { ...refund, paymentId: randomId('pi'), currency: 'EUR' },
      { ...refund, paymentId: randomId('pi'), currency: 'EUR', state: 'done', doneAt: at(9) },
      { ...refund, paymentId: randomId('pi'), currency: 'EUR', state: 'done', doneAt: at(9) },
      { ...refund, paymentId: randomId('pi'), currency: 'USD', amountMinor: 5 },
    ]);
    await world.app.get(Refusals).add(item.saleId, { 'sold-out': 41, 'shopper-limit': 2 });
    await world.act(item, 'close');
    await world.publish();
    const report = await reportOf(item);
    const units = { initial: 30, sold: 5, held: 4, parked: 2, free: 19 };
    expect(report).toMatchObject({
      saleId: item.saleId,
      name: 'A sale',
      state: 'closed',
      units,
      items: [{ productId: item.productId, priceMinor: 1_999, currency: 'EUR', units }],
      revenue: [
        { currency: 'EUR', paidMinor: 5 * 1_999, refundsDueMinor: 1_999, refundsDoneMinor: 2 * 1_999 },
        { currency: 'USD', paidMinor: 0, refundsDueMinor: 5, refundsDoneMinor: 0 },
      ],
      timeline: { startsAt: '2026-01-01T09:00:00.000Z', bucketSeconds: 1, units: [5, 0, 5, 1, 0, 6] },
      refusals: { 'sold-out': 41, 'shopper-limit': 2 },
      rejections: [
        { reason: 'no-units', orders: 1, units: 2 },
        { reason: 'shopper-limit', orders: 1, units: 1 },
        { reason: 'old-epoch', orders: 0, units: 0 },
      ],
    });
    expect(
      Object.fromEntries(report.orders.map(({ status, orders, units: sum }) => [status, [orders, sum]])),
    ).toEqual({
      accepted: [1, 2],
      confirmed: [1, 4],
      rejected: [2, 3],
      cancelled: [1, 1],
      expired: [2, 2],
      paid: [2, 5],
    });
    expect(Date.parse(report.closedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    // Rows that no gate accepted: the checker says so, and the report passes it on.
    expect(report.audit.verdict).toBe('refuted');
    expect(report.audit.lines.find(({ name }) => name === 'no-unexpected-orders')).toMatchObject({
      holds: false,
    });
  });

  it('is proved where the accounts are, with the fingerprint of an audit of the same data', async () => {
    const item = await world.openSale(4);
    await world.act(item, 'close');
    await world.publish();
    const report = await reportOf(item);
    expect(report).toMatchObject({
      units: { initial: 4, free: 4 },
      timeline: { startsAt: null, units: [] },
      refusals: {},
      audit: { verdict: 'proved' },
    });
    const audit = await world.act(item, 'audit');
    expect(audit.body).toMatchObject({ verdict: 'proved', fingerprint: report.audit.fingerprint });
    await world.redis.client.incrby(itemKeys(item).stock, 1);
    const spoiled = await reportOf(item);
    expect(spoiled.audit.verdict).toBe('refuted');
    expect(spoiled.audit.fingerprint).not.toBe(report.audit.fingerprint);
  });

  it('is a page that can be printed, with a picture, and without anything that runs or loads', async () => {
    const productId = randomId('product');
    const items = [
      { productId, name: HOSTILE, priceMinor: 1_999, currency: 'EUR', stock: 5_000, perShopperLimit: 2 },
    ];
    const item = await world.createSale({ name: HOSTILE, items });
    await world.act(item, 'open');
    await insertManyOrders(world.dataSource, item, 50);
    await world.app.get(Refusals).add(item.saleId, { [HOSTILE]: 3 });
    await world.act(item, 'close');
    const { headers, text } = await pageOf(item);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('vary')).toBe('Accept');
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).toContain('<svg ');
    expect(text).not.toMatch(/<script|<link|<img|src=|href=/);
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;');
  });

  it('of a retired sale has the refusals that were kept', async () => {
    const item = await world.createSale();
    await world.act(item, 'close');
    await world.dataSource.query(
      "UPDATE sales SET state = 'retired', refusals = '{\"sold-out\": 7}' WHERE id = $1",
      [item.saleId],
    );
    expect(await reportOf(item)).toMatchObject({ state: 'retired', refusals: { 'sold-out': 7 } });
  });

  it('is not written before the sale is closed', async () => {
    const item = await world.createSale();
    for (const action of [undefined, 'open', 'pause', 'resume']) {
      if (action !== undefined) await world.act(item, action);
      for (const accept of ['application/json', 'text/html']) {
        const answer = await ask(item, accept);
        expect([action, answer.status, codeOf(answer)]).toEqual([action, 409, 'sale-running']);
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      }
    }
  });

  it('is a 404 for a sale that is not there, a 400 for what no id is', async () => {
    const unknown = await ask({ saleId: 'nowhere', productId: '' });
    expect([unknown.status, codeOf(unknown)]).toEqual([404, 'unknown-sale']);
    expect((await ask({ saleId: 'a%7Bb', productId: '' })).status).toBe(400);
  });

  it('is written one at a time with other audits', async () => {
    const item = await world.openSale();
    await world.act(item, 'close');
    const answers = await Promise.all([ask(item), ask(item), world.act(item, 'audit')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503, 503]);
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.map(codeOf)).toEqual(['temporarily-unavailable', 'temporarily-unavailable']);
    expect((await ask(item)).status).toBe(200);
  });
});

describe('the report without Kafka', () => {
  it('is a 503', async () => {
    const world = await AdminWorld.start();
    try {
      const item = await world.createSale();
      await world.act(item, 'close');
      const answer = await world.call('GET', `/admin/v1/sales/${item.saleId}/report`);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'temporarily-unavailable']);
    } finally {
      await world.stop();
    }
  });
});
