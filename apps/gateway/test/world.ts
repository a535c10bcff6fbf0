import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { loadConfig } from '@flux/config';
import type { AcceptedAnswer, ItemRef, PublicSale } from '@flux/contracts';
import { Catalogue, GateClient, RedisConnection, redisSettings, type SettleRequest } from '@flux/gate';
import { Health, Metrics, createLog } from '@flux/telemetry';
import { RoomClient, type RoomConfig } from '@flux/waiting-room';
import { asRedisUser, startRedis, type RedisServer } from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createGateway } from '../src/create-gateway';
import { gatewaySettings } from '../src/gateway.config';

// Hundreds of requests on a machine that others use too; the tests assert their own limits.
jest.setTimeout(60_000);

/** A gateway of a test: the real app on a real socket. Ends with `closeGateways` at the latest. */
export interface TestGateway {
  readonly base: string;
  /** Its log lines at `warn` and above. */
  readonly lines: string[];
  readonly metrics: Metrics;
  close(): Promise<void>;
}

const DEFAULTS = {
  NODE_ENV: 'test',
  FLUX_AUTH: 'demo',
  FLUX_ADDRESS_LIMIT: 'off',
  FLUX_SHOPPER_LIMIT: 'off',
  FLUX_ADDRESS_CONNECTIONS: '1000000',
  // One process plays the crowd, two gateways and the test: what waits for the processor is not Redis being slow.
  FLUX_REDIS_COMMAND_TIMEOUT_MS: '15000',
  FLUX_LOG_LEVEL: 'warn',
};

const open = new Set<NestFastifyApplication>();

/** For `afterAll`: also after a test that failed before it closed its own. */
export async function closeGateways(): Promise<void> {
  await Promise.all([...open].map((app) => app.close()));
  open.clear();
}

/** Resolves when it listens and Redis answers. */
export async function startGateway(
  redisUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const config = loadConfig(gatewaySettings, {
    ...DEFAULTS,
    REDIS_URL: asRedisUser(redisUrl, 'gateway'),
    ...env,
  });
  const lines: string[] = [];
  const metrics = new Metrics('gateway');
  const log = createLog(config, 'gateway', {
    write: (line: string) => {
      lines.push(line);
    },
  });
  const app = await createGateway(config, { log, metrics, health: new Health() });
  open.add(app);
  await app.get(RedisConnection).whenReady();
  await app.listen(0, '127.0.0.1');
  return {
    base: await app.getUrl(),
    lines,
    metrics,
    close: async () => {
      open.delete(app);
      await app.close();
    },
  };
}

/** What the tests of a describe share. Filled before the first of them. */
export interface World {
  readonly redis: RedisServer;
  readonly shop: Shop;
  readonly gateway: TestGateway;
}

/** A Redis of the describe's own, a shop on it and a gateway: begun before its tests, ended after them. */
export function useWorld(env: Readonly<Record<string, string>> = {}): World {
  const world = {} as { -readonly [Part in keyof World]: World[Part] };
  beforeAll(async () => {
    world.redis = await startRedis();
    world.shop = new Shop(world.redis.url);
    world.gateway = await startGateway(world.redis.url, env);
  });
  afterAll(async () => {
    await closeGateways();
    world.shop.close();
    await world.redis.remove();
  });
  return world;
}

interface NewItem {
  readonly stock?: number;
  readonly perShopperLimit?: number;
  readonly opensInMs?: number;
  readonly closesInMs?: number;
  readonly holdMs?: number;
  readonly lowBelow?: number;
  readonly state?: PublicSale['state'];
}

/** The admin process's part, for one Redis: opens items and writes the public records. */
export class Shop {
  readonly connection: RedisConnection;
  readonly gate: GateClient;
  readonly catalogue: Catalogue;
  readonly rooms: RoomClient;
  private readonly sales: PublicSale[] = [];

  constructor(redisUrl: string) {
    this.connection = new RedisConnection(loadConfig(redisSettings, { REDIS_URL: redisUrl }));
    this.gate = new GateClient(this.connection);
    this.catalogue = new Catalogue(this.connection);
    this.rooms = new RoomClient(this.connection);
  }

  /** A sale with one product, known in the catalogue; opened at the gate unless it is scheduled or retired. */
  async open(options: NewItem & { readonly productId?: string } = {}): Promise<ItemRef> {
    const { stock = 100, perShopperLimit = 5, opensInMs = -60_000, closesInMs = 3_600_000 } = options;
    const { lowBelow = 10, state = 'open', holdMs = 600_000 } = options;
    await this.connection.whenReady();
    const item = { saleId: randomId('sale'), productId: options.productId ?? randomId('product') };
    const opensAtMs = Date.now() + opensInMs;
    const closesAtMs = Date.now() + closesInMs;
    if (state !== 'scheduled' && state !== 'retired') {
      const window = { opensAtMs, closesAtMs };
      const opened = await this.gate.open({
        ...item,
        epoch: 1,
        available: stock,
        perShopperLimit,
        holdMs,
        ...window,
      });
      if (opened.outcome !== 'opened') throw new Error(opened.outcome);
    }
    this.sales.unshift({
      id: item.saleId,
      name: 'Friday drop',
      state,
      opensAt: new Date(opensAtMs).toISOString(),
      closesAt: new Date(closesAtMs).toISOString(),
      items: [
        {
          productId: item.productId,
          name: 'Sneaker',
          priceMinor: 100,
          currency: 'EUR',
          perShopperLimit,
          lowBelow,
        },
      ],
    });
    await this.catalogue.write({ sales: this.sales });
    return item;
  }

  /** Puts a waiting room in front of a sale; another version of its settings where it has one. */
  async putRoom({ saleId }: ItemRef, options: Partial<RoomConfig> = {}): Promise<RoomConfig> {
    const sale = this.sales.find(({ id }) => id === saleId);
    if (sale === undefined) throw new Error(`${saleId} is not open`);
    const opensAtMs = Date.parse(sale.opensAt);
    const config: RoomConfig = {
      saleId,
      version: 1,
      mode: 'on',
      ratePerSecond: 1_000,
      passMs: 60_000,
      longestPollMs: 1_000,
      silentMs: 30_000,
      graceMs: 60_000,
      opensAtMs,
      lobbyOpensAtMs: opensAtMs,
      closesAtMs: Date.parse(sale.closesAt),
      salt: '5a'.repeat(32),
      ...options,
    };
    await this.rooms.publish(config, config.version > 1);
    return config;
  }

  /** The orders process's part: what the ledger has committed. Nothing unless told. */
  async settle(item: ItemRef, options: Partial<SettleRequest>): Promise<void> {
    const { watermark = 0 } = options;
    const runs = watermark === 0 ? [] : [{ upTo: watermark, atMs: Date.now() }];
    const nothing = { epoch: 1, watermark, watermarkOrderId: '', runs, states: [] };
    const { outcome } = await this.gate.settle({ ...nothing, ...item, ...options });
    if (outcome !== 'settled') throw new Error(outcome);
  }

  close(): void {
    this.connection.close();
  }
}

export function randomId(kind: string): string {
  return `${kind}-${randomUUID().slice(0, 13)}`;
}

export interface Purchase {
  readonly body: unknown;
  readonly shopper?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `POST /v1/orders` in demo mode. A string as the body is sent as it is. */
export function buy(
  { base }: { readonly base: string },
  { body, shopper, key, headers }: Purchase,
): Promise<Response> {
  return fetch(`${base}/v1/orders`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key ?? randomUUID(),
      'x-shopper-id': shopper ?? randomId('shopper'),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export interface PlacedOrder {
  readonly orderId: string;
  readonly shopper: string;
  readonly answer: AcceptedAnswer;
}

/** A purchase that was accepted. */
export async function buyOrder(
  gateway: { readonly base: string },
  item: ItemRef,
  shopper = randomId('shopper'),
): Promise<PlacedOrder> {
  const response = await buy(gateway, { body: item, shopper });
  if (response.status !== 202) throw new Error(`the purchase is answered ${response.status}`);
  const answer = (await response.json()) as AcceptedAnswer;
  return { orderId: answer.orderId, shopper, answer };
}

/**
 * Writes all purchases to one socket at once (HTTP pipelining), so that the gateway reads them in one turn of its event
 * loop. Answers the status lines, in order.
 */
export function pipeline(
  { base }: { readonly base: string },
  purchases: readonly { readonly productId: string; readonly shopper: string }[],
): Promise<readonly string[]> {
  const requests = purchases.map(({ productId, shopper }, index) => {
    const body = JSON.stringify({ productId });
    const lines = [
      'POST /v1/orders HTTP/1.1',
      'Host: gateway',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Idempotency-Key: ${randomUUID()}`,
      `x-shopper-id: ${shopper}`,
      ...(index === purchases.length - 1 ? ['Connection: close'] : []),
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  });
  const { port, hostname } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(requests.join(''));
    });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject).on('close', () => {
      resolve(
        Buffer.concat(chunks)
          .toString()
          .match(/HTTP\/1\.1 \d+/g) ?? [],
      );
    });
  });
}

/** Calls of a Redis command since the last `CONFIG RESETSTAT`. */
export async function callsOf(redis: RedisServerLike, command: string): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

interface RedisServerLike {
  readonly client: { info(section: string): Promise<string> };
}

export async function codeOf(answer: Response): Promise<unknown> {
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(problem['status']).toBe(answer.status);
  return problem['code'];
}
