import { loadConfig } from '@flux/config';
import { Certificates, freePort, startRedis, waitUntil, type RedisServer } from '@flux/testing';
import { itemKeys } from './gate-keys';
import { RedisConnection, type ConnectionEvent } from './redis-connection';
import { redisSettings } from './settings';
import { GateSubscriber } from './subscriber';

const ITEM = { saleId: 'sale', productId: 'product' };
const KEY = itemKeys(ITEM).current;

describe('Redis over TLS', () => {
  const certificates = new Certificates();
  const stranger = new Certificates();
  const server = certificates.issue('server');
  const client = certificates.issue('client');
  const elsewhere = certificates.issue('elsewhere', 'DNS:redis.example');
  const servers: RedisServer[] = [];
  const open: { close(): void }[] = [];

  afterEach(() => {
    for (const each of open.splice(0)) each.close();
  });
  afterAll(async () => {
    await Promise.all(servers.map((redis) => redis.remove()));
    certificates.remove();
    stranger.remove();
  });

  /** @returns the address of a Redis that speaks TLS */
  async function start(config: Readonly<Record<string, string>> = {}, own = server): Promise<string> {
    const port = await freePort();
    const redis = await startRedis({
      config: {
        'tls-port': String(port),
        'tls-cert-file': own.certFile,
        'tls-key-file': own.keyFile,
        'tls-ca-cert-file': certificates.caFile,
        'tls-auth-clients': 'no',
        ...config,
      },
    });
    servers.push(redis);
    if (config['cluster-enabled'] === 'yes') {
      await redis.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await waitUntil('it serves', async () => (await redis.client.cluster('INFO')).includes('state:ok'));
    }
    return `rediss://127.0.0.1:${port}`;
  }

  const configOf = (url: string, more: Readonly<Record<string, string>> = {}) =>
    loadConfig(redisSettings, { REDIS_URL: url, FLUX_REDIS_CA_FILE: certificates.caFile, ...more });

  function connect(config: ReturnType<typeof configOf>): RedisConnection {
    const connection = new RedisConnection(config);
    open.push(connection);
    return connection;
  }

  async function isServed(config: ReturnType<typeof configOf>): Promise<void> {
    const connection = connect(config);
    await connection.whenReady();
    await connection.client.set(KEY, 'sale');
    expect(await connection.client.get(KEY)).toBe('sale');
  }

  /** Why it is down, as the log has it. */
  async function reasonOf(config: ReturnType<typeof configOf>): Promise<string> {
    const connection = connect(config);
    const { reason } = await new Promise<Extract<ConnectionEvent, { state: 'down' }>>((resolve, reject) => {
      connection.onChange((event) => {
        if (event.state === 'down') resolve(event);
        else reject(new Error('it connects'));
      });
    });
    return reason;
  }

  it('serves whoever knows its authority', async () => {
    await isServed(configOf(await start()));
  });

  it.each([
    ['without the authority', { FLUX_REDIS_CA_FILE: '' }],
    ['with the authority of somebody else', { FLUX_REDIS_CA_FILE: stranger.caFile }],
  ])('is not trusted %s', async (_name, more) => {
    expect(await reasonOf(configOf(await start(), more))).toMatch(/certificate/i);
  });

  it('is not trusted with a certificate of another host', async () => {
    expect(await reasonOf(configOf(await start({}, elsewhere)))).toMatch(/altnames|does not match/i);
  });

  it('serves with a certificate of the process where it asks for one, and not without', async () => {
    const url = await start({ 'tls-auth-clients': 'yes' });
    await isServed(
      configOf(url, { FLUX_REDIS_CERT_FILE: client.certFile, FLUX_REDIS_KEY_FILE: client.keyFile }),
    );
    expect(await reasonOf(configOf(url))).not.toBe('');
  });

  it('pushes over TLS too', async () => {
    const url = await start();
    const push = new GateSubscriber(configOf(url));
    open.push(push);
    const heard = new Promise<void>((resolve) => void push.subscribe(ITEM, { onStock: resolve }));
    await waitUntil('the push channel is up', () => push.isUp());
    const connection = connect(configOf(url));
    await connection.whenReady();
    await connection.client.publish(itemKeys(ITEM).channel, 'stock');
    await heard;
  });

  describe('in Cluster mode', () => {
    let url: string;

    beforeAll(async () => {
      url = await start({
        'cluster-enabled': 'yes',
        'cluster-announce-ip': '127.0.0.1',
        'tls-cluster': 'yes',
        'tls-replication': 'yes',
        'cluster-port': String(await freePort()),
      });
    });

    it('serves whoever knows its authority', async () => {
      await isServed(configOf(url, { FLUX_REDIS_MODE: 'cluster' }));
    });

    it('is not trusted with the authority of somebody else, however often it is asked', async () => {
      const distrusted = configOf(url, { FLUX_REDIS_MODE: 'cluster', FLUX_REDIS_CA_FILE: stranger.caFile });
      const { client } = connect(distrusted);
      let attempts = 0;
      client.on('reconnecting', () => (attempts += 1));
      await waitUntil('it has tried some times', () => attempts >= 4);
      expect(client.status).not.toBe('ready');
    });
  });

  it('tells a wrong password, and not which', async () => {
    const url = (await start()).replace('rediss://', 'rediss://flux-gateway:canary@');
    const reason = await reasonOf(configOf(url));
    expect(reason).toContain('WRONGPASS');
    expect(reason).not.toContain('canary');
  });

  it('is a mistake to ask for with redis://, which would go in the clear', () => {
    expect(() => new RedisConnection(configOf('redis://127.0.0.1:1'))).toThrow('rediss://');
  });

  it('needs files that can be read', () => {
    expect(() => configOf('rediss://127.0.0.1', { FLUX_REDIS_CA_FILE: '/none' })).toThrow(
      'FLUX_REDIS_CA_FILE',
    );
  });
});
