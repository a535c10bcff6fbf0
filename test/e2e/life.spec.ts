import { ORDER_STATUS_TOPIC } from '@flux/contracts';
import { waitUntil } from '@flux/testing';
import { auditWorld } from './support/audit-world';
import { countBy, crowd, kindOf, orderIdOf, purchase, type Answer, type Attempt } from './support/crowd';
import { LedgerView } from './support/ledger-view';
import { Shopper } from './support/shopper';
import { statusesIn } from './support/status-topic';
import { startWorld, type World } from './support/world';

const attempt = (productId: string, shopperId: string): Attempt => ({
  productId,
  shopperId,
  idempotencyKey: `key-of-${shopperId}`.padEnd(16, '-'),
});

describe('the life of an order, with two of each process', () => {
  let world: World;
  let ledger: LedgerView;

  beforeAll(async () => {
    world = await startWorld({ gateways: 2, relays: 1, orders: 2 });
    ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
  });

  afterAll(async () => {
    await ledger.close();
    await world.stop();
  });

  const gateway = (index = 0): string => world.gateways[index]!.baseUrl;
  const shopper = (name: string, index = 0): Shopper => new Shopper(gateway(index), name);
  const buy = async (productId: string, name: string): Promise<Answer> => {
    const answer = await purchase(gateway(), attempt(productId, name));
    expect(kindOf(answer)).toBe('accepted');
    return answer;
  };
  const untilStatus = async (answer: Answer, status: string): Promise<Record<string, string>> =>
    waitUntil(`the order is ${status}`, async () => {
      const order = await shopper(answer.attempt.shopperId).order(orderIdOf(answer));
      return order['status'] === status && order;
    });
  const available = async (saleId: string): Promise<number> =>
    (await world.operator.gateOf(saleId)).available;

  it('is paid, cancelled or expires, everybody hears of it, and what comes back is sold again', async () => {
    const sale = 'whole-life';
    await world.operator.openSale(sale, 'coat', { stock: 3, holdMs: 600_000 });
    const [payer, quitter, forgetter] = [
      await buy('coat', 'pat'),
      await buy('coat', 'quinn'),
      await buy('coat', 'flo'),
    ];
    const lives = [payer, quitter, forgetter].map((answer, index) =>
      shopper(answer.attempt.shopperId, index % 2).statuses(orderIdOf(answer)),
    );

    const confirmed = await untilStatus(payer, 'confirmed');
    expect(Date.parse(confirmed['holdUntil']!)).toBe(Date.parse(confirmed['updatedAt']!) + 600_000);
    expect(kindOf(await purchase(gateway(1), attempt('coat', 'ned')))).toBe('409 sold-out');

    expect(await world.shop.paid(orderIdOf(payer), 'payment-1')).toMatchObject({
      status: 200,
      body: { status: 'paid' },
    });
    expect(await shopper('quinn', 1).cancel(orderIdOf(quitter))).toBe(202);
    await untilStatus(quitter, 'cancelled');
    await waitUntil('the hold has begun', async () => (await ledger.orderIds(sale)).length === 1);
    await ledger.endHolds(sale);
    await untilStatus(forgetter, 'expired');

    expect((await Promise.all(lives)).map((statuses) => statuses.at(-1))).toEqual([
      'paid',
      'cancelled',
      'expired',
    ]);
    await waitUntil('both units came back', async () => (await available(sale)) === 2);
    const again = [await buy('coat', 'ned'), await buy('coat', 'olga')];
    await untilStatus(again[1]!, 'confirmed');
    expect(kindOf(await purchase(gateway(1), attempt('coat', 'zoe')))).toBe('409 sold-out');

    await waitUntil('the topic tells of every change', async () => {
      const statuses = await statusesIn(`${world.topicPrefix}${ORDER_STATUS_TOPIC}`, sale);
      return [payer, quitter, forgetter]
        .map((answer) => statuses.get(orderIdOf(answer))?.join(' '))
        .every(
          (life, index) => life === ['confirmed paid', 'confirmed cancelled', 'confirmed expired'][index],
        );
    });
    await world.shop.paid(orderIdOf(again[0]!), 'payment-2');
    await world.shop.paid(orderIdOf(again[1]!), 'payment-3');
    expect(await world.operator.call('POST', `/admin/v1/sales/${sale}/close`)).toMatchObject({ status: 200 });
    const report = await auditWorld(world, sale, [payer, quitter, forgetter, ...again], { complete: false });
    expect(report.refuted).toEqual([]);
    expect(report.verdict).toBe('proved');
    const { status, body } = await world.operator.call('GET', `/admin/v1/sales/${sale}/report`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ saleId: sale });
  });

  it('takes a late payment while a unit is there, and owes a refund once none is', async () => {
    const sale = 'late';
    await world.operator.openSale(sale, 'scarf', { stock: 1, holdMs: 600_000 });
    const first = await buy('scarf', 'lea');
    await untilStatus(first, 'confirmed');
    await ledger.endHolds(sale);
    await untilStatus(first, 'expired');
    await waitUntil('the unit came back', async () => (await available(sale)) === 1);

    expect(await world.shop.paid(orderIdOf(first), 'late-1')).toMatchObject({
      status: 200,
      body: { status: 'paid' },
    });
    expect(await available(sale)).toBe(0);
    for (let repeat = 0; repeat < 2; repeat += 1) {
      expect(await world.shop.paid(orderIdOf(first), 'late-2')).toMatchObject({
        status: 409,
        body: { code: 'refund-due' },
      });
    }
    expect(await world.shop.call('GET', `/shop/v1/orders/${orderIdOf(first)}`)).toMatchObject({
      status: 200,
      body: { status: 'paid', refunds: [{ paymentId: 'late-2', amountMinor: 12_900, state: 'due' }] },
    });
    const report = await auditWorld(world, sale, [first]);
    expect(report.refuted).toEqual([]);
    expect(report.verdict).toBe('proved');
  });

  it('ends every hold once though a process is killed among 2,000 that run out at once', async () => {
    const sale = 'stampede';
    await world.operator.openSale(sale, 'mug', { stock: 2_000, holdMs: 600_000 });
    const shoppers = Array.from({ length: 2_000 }, (_, index) => attempt('mug', `mug-lover-${index}`));
    const answers = await crowd(world.gateways, shoppers);
    expect(countBy(answers, kindOf)).toEqual({ accepted: 2_000 });
    await waitUntil('all are confirmed', async () => (await ledger.orderIds(sale)).length === 2_000);

    await ledger.endHolds(sale);
    await waitUntil('expiry is under way', async () => (await ledger.orderIds(sale, 'expired')).length > 0);
    await world.orders[0]!.kill();
    await waitUntil('all units came back', async () => (await available(sale)) === 2_000);

    expect((await ledger.orderIds(sale, 'expired')).length).toBe(2_000);
    const again = await crowd(
      world.gateways,
      shoppers.map((each) => ({ ...each, idempotencyKey: `again-${each.shopperId}`.padEnd(16, '-') })),
    );
    expect(countBy(again, kindOf)).toEqual({ accepted: 2_000 });
    const report = await auditWorld(world, sale, [...answers, ...again]);
    expect(report.refuted).toEqual([]);
    expect(report.verdict).toBe('proved');
  });
});
