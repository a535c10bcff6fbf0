import { TcpProxy, waitUntil } from '@flux/testing';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';

jest.setTimeout(240_000);

type Server = 'redis' | 'database';
type App = 'gateway' | 'relay' | 'orders';

/** servers-late.spec.ts has all servers come at once; here they come one after the other, and apps between them. */
describe('start order', () => {
  let world: World;
  let proxies: Readonly<Record<Server, TcpProxy>>;

  beforeAll(async () => {
    world = await startWorld({ gateways: 0, relays: 0, orders: 0 });
    const { hostname, port } = new URL(world.database.config.DATABASE_URL);
    proxies = {
      redis: await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port }),
      database: await TcpProxy.start({ host: hostname, port: Number(port) }),
    };
  });

  afterAll(async () => {
    await world.stop();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
  });

  function env(): Record<string, string> {
    const url = new URL(world.database.config.DATABASE_URL);
    url.port = String(proxies.database.port);
    return { REDIS_URL: `redis://127.0.0.1:${proxies.redis.port}`, DATABASE_URL: url.href };
  }

  it.each<readonly (Server | App)[]>([
    ['gateway', 'relay', 'orders', 'database', 'redis'],
    ['orders', 'redis', 'gateway', 'database', 'relay'],
    ['relay', 'database', 'orders', 'redis', 'gateway'],
  ])('%s, %s, %s, %s, %s: all become ready, and a sale goes through', async (...order) => {
    for (const proxy of Object.values(proxies)) proxy.set('cut');
    const apps = new Map<App, AppProcess>();
    for (const next of order) {
      if (next === 'redis' || next === 'database') proxies[next].set('pass');
      else {
        const app = await world.launch(next, env());
        apps.set(next, app);
        await waitUntil(`${next} answers`, () => app.readiness());
      }
    }
    for (const app of apps.values()) await app.ready();

    const run = await SaleRun.open({ ...world, gateways: [apps.get('gateway')!] }, `${order[0] ?? ''}-first`);
    await run.buy(50);
    await run.proved();
    await run.close();
    for (const app of apps.values()) expect(await app.stop()).toBe(0);
  });

  it('the admin process comes last: the gateway is not ready before its catalogue, and needs no restart then', async () => {
    expect(await world.admin.stop()).toBe(0);
    await world.redis.client.flushall();
    const gateway = await world.launch('gateway');
    expect(await waitUntil('the gateway answers', () => gateway.readiness(gateway.baseUrl))).toBe(503);
    await world.start('admin');
    await gateway.ready();
    expect(await gateway.stop()).toBe(0);
  });
});
