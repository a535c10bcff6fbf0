import { TcpProxy, waitUntil } from '@flux/testing';
import { auditWorld } from './support/audit-world';
import { countBy, crowd, kindOf, orderIdOf, type Answer } from './support/crowd';
import { groupView } from './support/group-view';
import { LedgerView } from './support/ledger-view';
import { startWorld, type World } from './support/world';

describe('kill -9 while orders are unsettled', () => {
  let world: World;
  let ledger: LedgerView;
  let kafka: Awaited<ReturnType<typeof groupView>>;
  let answers: Answer[];
  let sale: string;
  let sales = 0;

  beforeAll(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 0 });
    ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
    kafka = await groupView(world);
  });

  afterAll(async () => {
    await kafka.close();
    await ledger.close();
    await world.stop();
  });

  beforeEach(async () => {
    answers = [];
    sale = `crash-${(sales += 1)}`;
    await world.operator.openSale(sale, `ticket-of-${sale}`, { stock: 1_000 });
  });

  afterEach(async () => {
    const orders = world.running().filter(({ name }) => name === 'orders');
    await Promise.all(orders.map((app) => app.stop()));
  });

  it('(a) of the relay, after the send', async () => {
    const before = await kafka.endOffset();
    await buy(200);
    await waitUntil('messages are in Kafka', async () => (await kafka.endOffset()) > before);
    await world.relays[0]!.kill();
    expect(await outboxLength()).toBeGreaterThan(0);

    await world.start('relay');
    await world.start('orders');
    await settledAndProved();
  });

  it('(b) of orders, after the commit', async () => {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port });
    const orders = await world.start('orders', {
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '30000',
    });
    await buy(50);
    await settled();

    // From here on nothing that this process says reaches Redis: it commits, and cannot settle.
    proxy.set('hold');
    await buy(200);
    // The first of them at least: it waits for Redis before it takes more.
    await waitUntil('orders are committed', async () => (await ledger.orderIds(sale)).length > 50);
    await orders.kill();
    expect(await outboxLength()).toBeGreaterThan(0);

    await world.start('orders');
    await settledAndProved();
    await proxy.stop();
  });

  it('(c) of orders, before the offset', async () => {
    const orders = await world.start('orders');
    await buy(200);
    await settled();
    const committed = answers.map(orderIdOf);
    const rows = await ledger.rowsOf(committed);
    await orders.kill();
    await buy(50);
    expect(await outboxLength()).toBeGreaterThan(0);
    // What a crash between settle and offset leaves behind: settled orders that Kafka delivers again.
    await waitUntil('the group has let the dead process go', () => kafka.forgetOffsets());

    await world.start('orders');
    await settledAndProved();
    expect(await ledger.rowsOf(committed)).toEqual(rows);
  });

  async function buy(count: number): Promise<void> {
    const attempts = Array.from({ length: count }, (_, index) => {
      const shopperId = `shopper-${answers.length + index}`;
      return { productId: `ticket-of-${sale}`, shopperId, idempotencyKey: `key-of-the-${shopperId}` };
    });
    const bought = await crowd(world.gateways, attempts);
    expect(countBy(bought, kindOf)).toEqual({ accepted: count });
    answers.push(...bought);
  }

  async function outboxLength(): Promise<number> {
    return (await world.operator.gateOf(sale)).outboxLength;
  }

  async function settled(): Promise<void> {
    await waitUntil('every order is in PostgreSQL and the outbox is empty', async () => {
      return (await ledger.orderIds(sale)).length === answers.length && (await outboxLength()) === 0;
    });
  }

  async function settledAndProved(): Promise<void> {
    await settled();
    const { refuted, verdict } = await auditWorld(world, sale, answers);
    expect(refuted).toEqual([]);
    expect(verdict).toBe('proved');
  }
});
