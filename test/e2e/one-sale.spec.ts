import { waitUntil } from '@flux/testing';
import { auditWorld } from './support/audit-world';
import { countBy, crowd, kindOf, orderIdOf, purchase, type Answer, type Attempt } from './support/crowd';
import { LedgerView } from './support/ledger-view';
import { startWorld, type World } from './support/world';

const keyOf = (name: string): string => `key-${name}`.padEnd(16, '-');

describe('one sale, two of each process', () => {
  let world: World;
  let ledger: LedgerView;

  beforeAll(async () => {
    world = await startWorld({ gateways: 2, relays: 2, orders: 2 });
    ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
  });

  afterAll(async () => {
    await ledger.close();
    await world.stop();
  });

  it('makes one order of 200 parallel requests with one key', async () => {
    await world.operator.openSale('one-key', 'ticket', { stock: 100 });
    const attempt: Attempt = { productId: 'ticket', shopperId: 'ann', idempotencyKey: keyOf('same') };
    const answers = await crowd(world.gateways, Array<Attempt>(200).fill(attempt), 200);

    expect(countBy(answers, kindOf)).toEqual({ accepted: 1, replayed: 199 });
    expect(new Set(answers.map(({ body, location }) => `${location ?? ''} ${body}`)).size).toBe(1);
    await waitUntil(
      'the order is in PostgreSQL',
      async () => (await ledger.orderIds('one-key')).length === 1,
    );
    expect((await auditWorld(world, 'one-key', answers)).refuted).toEqual([]);
  });

  describe('10,000 shoppers for 500 units', () => {
    const shoppers = Array.from({ length: 10_000 }, (_, index): Attempt => {
      return { productId: 'sneaker', shopperId: `shopper-${index}`, idempotencyKey: keyOf(`buy-${index}`) };
    });
    let answers: Answer[];

    beforeAll(async () => {
      await world.operator.openSale('drop', 'sneaker', { stock: 500 });
      answers = await crowd(world.gateways, shoppers);
    });

    it('accepts exactly 500 and refuses the rest as sold out', () => {
      expect(countBy(answers, kindOf)).toEqual({ accepted: 500, '409 sold-out': 9_500 });
    });

    it('has exactly those 500 in PostgreSQL', async () => {
      const accepted = answers.filter(({ status }) => status === 202).map(orderIdOf);
      await waitUntil(
        '500 orders are in PostgreSQL',
        async () => (await ledger.orderIds('drop')).length >= 500,
      );

      expect(await ledger.orderIds('drop')).toEqual(accepted.sort());
    });

    it('answers every accepted key on the other gateway with the same 202, byte for byte', async () => {
      const accepted = answers.filter(({ status }) => status === 202);
      const again = await Promise.all(
        accepted.map(async ({ attempt }) => {
          const index = shoppers.indexOf(attempt);
          const other = world.gateways[(index + 1) % world.gateways.length]!;
          return purchase(other.baseUrl, attempt);
        }),
      );

      expect(countBy(again, kindOf)).toEqual({ replayed: 500 });
      expect(again.map(({ body, location }) => [body, location])).toEqual(
        accepted.map(({ body, location }) => [body, location]),
      );
      answers.push(...again);
    });

    it('shows each shopper their own order as confirmed, and nobody else', async () => {
      const { attempt, location } = answers.find(({ status }) => status === 202)!;
      const get = (shopperId: string) =>
        fetch(`${world.gateways[0]!.baseUrl}${location!}`, { headers: { 'x-shopper-id': shopperId } });
      const confirmed = await waitUntil('the order reads as confirmed', async () => {
        const order = (await (await get(attempt.shopperId)).json()) as { status: string };
        return order.status === 'confirmed' && order;
      });

      expect(confirmed).toMatchObject({ productId: 'sneaker', saleId: 'drop', quantity: 1 });
      expect((await get('somebody-else')).status).toBe(404);
    });

    it("is proved by the checker from the servers' data and the clients' record", async () => {
      const report = await auditWorld(world, 'drop', answers);

      expect(report.refuted).toEqual([]);
      expect(report.verdict).toBe('proved');
    });
  });

  it('loses nothing when a gateway is told to stop under load', async () => {
    await world.operator.openSale('restart', 'poster', { stock: 5_000 });
    const gateway = await world.start('gateway');
    const attempts = Array.from({ length: 3_000 }, (_, index): Attempt => {
      return { productId: 'poster', shopperId: `shopper-${index}`, idempotencyKey: keyOf(`stop-${index}`) };
    });
    const outcomes = attempts.map((attempt) => purchase(gateway.baseUrl, attempt).catch(() => undefined));
    await Promise.race(outcomes);
    expect(await gateway.stop()).toBe(0);
    const answered = (await Promise.all(outcomes)).filter((answer) => answer !== undefined);
    const rest = await crowd(world.gateways, attempts);

    // What the stopping gateway accepted is replayed elsewhere; what it did not answer is judged anew or replayed.
    expect(new Set(rest.map(({ status }) => status))).toEqual(new Set([202]));
    const bodies = new Map(rest.map(({ attempt, body }) => [attempt.idempotencyKey, body]));
    for (const { attempt, body, status } of answered) {
      if (status === 202) expect(body).toBe(bodies.get(attempt.idempotencyKey));
    }
    expect((await auditWorld(world, 'restart', [...answered, ...rest])).refuted).toEqual([]);
  });

  it('needed of Redis nothing that the users of the processes may not do', async () => {
    expect(await world.redis.client.acl('LOG')).toEqual([]);
  });
});
