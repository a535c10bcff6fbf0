import { spawnSync } from 'node:child_process';
import { backUp, createDatabase, replayableRows, waitUntil, type TestDatabase } from '@flux/testing';
import { orderIdOf } from '../e2e/support/crowd';
import { Operator } from '../e2e/support/operator';
import { ShopBackend } from '../e2e/support/shop-backend';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';

jest.setTimeout(240_000);

describe('a database that is lost in mid-sale', () => {
  let world: World;
  const databases: TestDatabase[] = [];

  beforeEach(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 });
  });
  afterEach(async () => {
    await world.stop();
    await Promise.all(databases.splice(0).map((database) => database.drop()));
  });

  /** `npm run replay`, as it was built. */
  function replay(database: TestDatabase): { readonly status: number | null; readonly printed: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/apps/admin/src/replay.js'], {
      env: { ...process.env, ...world.env, DATABASE_URL: database.config.DATABASE_URL },
      encoding: 'utf8',
    });
    return { status, printed: stdout + stderr };
  }

  /** Nothing waits for Kafka any more. */
  async function published({ dataSource }: TestDatabase): Promise<void> {
    await waitUntil('all events have been published', async () => {
      const rows: unknown[] = await dataSource.query('SELECT FROM order_events LIMIT 1');
      return rows.length === 0;
    });
  }

  it.each([
    ['restored from an older backup', () => backUp(world.database.dataSource)],
    ['empty', () => createDatabase()],
  ])('%s: all that was accepted comes back, once, and the sale goes on', async (_, make) => {
    const run = await SaleRun.open(world, 'lost');
    await run.buy(200);
    await run.drained();
    const restored = await make();
    databases.push(restored);

    await run.buy(100);
    await run.drained();
    const [paid = '', cancelled = ''] = run.answers.map(orderIdOf);
    expect((await world.shop.paid(paid, 'payment-1')).status).toBe(200);
    const cancel = `/shop/v1/orders/${cancelled}/cancel`;
    expect((await world.shop.call('POST', cancel, { reason: 'Fraud' })).status).toBe(200);
    await published(world.database);
    await Promise.all([...world.orders, world.admin].map((app) => app.kill()));
    const lost = await replayableRows(world.database.dataSource);
    // Meanwhile the shop sells on.
    await run.buy(50);

    expect(replay(restored)).toMatchObject({ status: 0 });
    expect(await replayableRows(restored.dataSource)).toEqual(lost);

    const env = { DATABASE_URL: restored.config.DATABASE_URL };
    const [admin] = await Promise.all([world.start('admin', env), world.start('orders', env)]);
    const operator = new Operator(admin.baseUrl, world.credentials.operatorKey);
    const shop = new ShopBackend(admin.baseUrl, world.credentials.serviceKey);
    const after = await run.movedTo({ ...world, admin, operator, shop, database: restored });
    await after.buy(50);
    await after.proved();
    await published(restored);
    const rows = await replayableRows(restored.dataSource);
    const again = replay(restored);
    expect(again).toMatchObject({ status: 0 });
    expect(again.printed).toMatch(/0 transactions came back/);
    expect(again.printed).toMatch(/0 orders confirmed, 0 rejected, 0 cancelled/);
    expect(await replayableRows(restored.dataSource)).toEqual(rows);
    await after.close();
  });
});
