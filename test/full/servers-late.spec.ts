import { TcpProxy, waitUntil } from '@flux/testing';
import { startWorld, type World } from '../e2e/support/world';

/** Start order must not matter: unreachable means waiting, not ready, and never an exit. */
describe('servers that come up after the processes', () => {
  let world: World;
  let proxies: { readonly redis: TcpProxy; readonly database: TcpProxy; readonly kafka: TcpProxy };

  beforeAll(async () => {
    world = await startWorld({ gateways: 0, relays: 0, orders: 0 });
    const database = new URL(world.database.config.DATABASE_URL);
    const [broker] = process.env['KAFKA_BROKERS']!.split(',');
    const [kafkaHost, kafkaPort] = broker!.split(':');
    proxies = {
      redis: await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port }),
      database: await TcpProxy.start({ host: database.hostname, port: Number(database.port) }),
      kafka: await TcpProxy.start({ host: kafkaHost!, port: Number(kafkaPort) }),
    };
  });

  afterAll(async () => {
    await world.stop();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
  });

  it('are waited for by every process', async () => {
    for (const proxy of Object.values(proxies)) proxy.set('cut');
    const url = new URL(world.database.config.DATABASE_URL);
    url.port = String(proxies.database.port);
    const env = {
      REDIS_URL: `redis://127.0.0.1:${proxies.redis.port}`,
      DATABASE_URL: url.href,
      KAFKA_BROKERS: `127.0.0.1:${proxies.kafka.port}`,
    };
    const apps = await Promise.all(
      (['gateway', 'relay', 'orders', 'admin'] as const).map((app) => world.launch(app, env)),
    );
    for (const app of apps) {
      const health = await waitUntil(`${app.name} answers`, () => app.readiness());
      expect({ app: app.name, status: health }).toEqual({ app: app.name, status: 503 });
    }

    for (const proxy of Object.values(proxies)) proxy.set('pass');
    for (const app of apps) await app.ready();
    for (const app of apps) expect(await app.stop()).toBe(0);
  });
});
