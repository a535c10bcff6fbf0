import { TcpProxy, waitUntil } from '@flux/testing';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';

jest.setTimeout(240_000);

const BACKLOG = 2_000;
/** A process that kept the backlog in its memory, or tried it again without end, would grow by more. */
const GROWTH_BYTES = 100 * 1_024 * 1_024;

/** What is behind the gate stands still: the gate goes on, and its outbox holds what the others cannot take. Kafka: F17. */
describe('back-pressure', () => {
  let world: World;
  let database: TcpProxy;
  let orders: AppProcess;
  let run: SaleRun;

  beforeAll(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 0 });
    const url = new URL(world.database.config.DATABASE_URL);
    database = await TcpProxy.start({ host: url.hostname, port: Number(url.port) });
    url.port = String(database.port);
    orders = await world.start('orders', { DATABASE_URL: url.href });
  });

  afterAll(async () => {
    database.set('pass');
    await world.stop();
    await database.stop();
  });

  afterEach(async () => {
    database.set('pass');
    await run.close();
  });

  it.each(['cut', 'hold'] as const)(
    'PostgreSQL is gone (%s) under load: accepting goes on, nothing is parked, the backlog drains by itself',
    async (how) => {
      run = await SaleRun.open(world, `database-${how}`);
      await run.buy(100);
      await run.drained();
      const before = await memoryOf(orders);
      database.set(how);
      await run.buy(BACKLOG);
      await waitUntil('all is relayed', () => run.isRelayed());
      await waitUntil('orders says that it is not ready', async () => (await orders.readiness()) === 503);
      expect(await run.confirmed()).toHaveLength(100);
      expect(await run.outboxLength()).toBeGreaterThan(0);
      expect((await memoryOf(orders)) - before).toBeLessThan(GROWTH_BYTES);

      database.set('pass');
      await run.proved();
    },
  );

  it('an item is locked for longer than its transaction waits: it is tried again, nothing is parked', async () => {
    run = await SaleRun.open(world, 'locked');
    const failures = () => orders.log.split('the batch transaction failed').length;
    const before = failures();
    // Parking would have to wait for the same lock, and get it as soon as it is given up.
    await world.database.dataSource.transaction(async (manager) => {
      await manager.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await manager.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [run.saleId]);
      await run.buy(1);
      await waitUntil('the transaction has failed', () => failures() > before, { timeoutMs: 60_000 });
    });
    await run.proved();
  });

  it('no orders process runs: accepting goes on, and the next one drains the backlog', async () => {
    run = await SaleRun.open(world, 'no-orders');
    const before = await memoryOf(world.relays[0]!);
    await orders.kill();
    await run.buy(BACKLOG);
    await waitUntil('all is relayed', () => run.isRelayed());
    expect(await run.confirmed()).toEqual([]);
    expect((await memoryOf(world.relays[0]!)) - before).toBeLessThan(GROWTH_BYTES);

    orders = await world.start('orders');
    await run.proved();
  });
});

async function memoryOf(app: AppProcess): Promise<number> {
  const text = await (await fetch(`${app.managementUrl}/metrics`)).text();
  const bytes = Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec(text)?.[1]);
  if (!(bytes > 0)) throw new Error(`${app.name} does not tell its memory`);
  return bytes;
}
