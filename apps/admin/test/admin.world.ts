import { hash, randomUUID } from 'node:crypto';
import type { ItemRef, newSaleSchema } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { LedgerConnection, OrderEventQueue } from '@flux/ledger';
import { Health, Metrics, createLog } from '@flux/telemetry';
import {
  type RedisServer,
  type TestDatabase,
  createDatabase,
  purchase,
  randomId,
  startRedis,
} from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import type { z } from 'zod';
import { type AdminConfig, adminSettings } from '../src/admin-settings';
import { createAdmin } from '../src/create-admin';
import { MaintenanceService } from '../src/maintenance/maintenance.service';
import type { OperatorSale, SaleItemAnswer } from '../src/sales/sale-answer';

export const OPERATOR = { name: 'anna', key: 'the-key-of-anna-0123456789' };
const SECOND_OPERATOR = { name: 'ben', key: 'the-key-of-ben-0123456789' };
export const SERVICE = { name: 'shop', key: 'the-key-of-shop-0123456789' };
export const SECOND_SERVICE = { name: 'erp', key: 'the-key-of-erp-0123456789' };

/** As an operator sends it: what has a default may be left out. */
type NewSaleBody = z.input<typeof newSaleSchema>;

const HOUR_MS = 3_600_000;
/** Nobody listens on it: for worlds without Kafka. */
const NO_BROKER = '127.0.0.1:1';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
}

export interface CallOptions {
  readonly body?: unknown;
  /** null: no credentials at all. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

interface WorldOptions {
  readonly redisConfig?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the process finds Redis, if not at the server itself. */
  readonly redisUrl?: (redis: RedisServer) => string | Promise<string>;
}

/** An admin process on a socket of its own, with its own database and its own Redis. */
export class AdminWorld {
  private readonly apps: NestFastifyApplication[] = [];

  private constructor(
    readonly redis: RedisServer,
    readonly database: TestDatabase,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  static async start({ redisConfig = {}, settings = {}, redisUrl }: WorldOptions = {}): Promise<AdminWorld> {
    const redis = await startRedis({ config: redisConfig });
    const database = await createDatabase();
    const world = new AdminWorld(redis, database, {
      DATABASE_URL: database.config.DATABASE_URL,
      REDIS_URL: (await redisUrl?.(redis)) ?? redis.url,
      KAFKA_BROKERS: NO_BROKER,
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '500',
      FLUX_OPERATOR_KEYS: keysSetting(OPERATOR, SECOND_OPERATOR),
      FLUX_SERVICE_KEYS: keysSetting(SERVICE, SECOND_SERVICE),
      ...settings,
    });
    await world.addProcess();
    return world;
  }

  /** The variables of a process that works on these servers. */
  get env(): Readonly<Record<string, string>> {
    return this.environment;
  }

  get config(): AdminConfig {
    return adminSettings.parse(this.environment);
  }

  /** One more admin process, connected to PostgreSQL. */
  async addProcess(): Promise<NestFastifyApplication> {
    const telemetry = {
      log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'admin'),
      metrics: new Metrics('admin'),
      health: new Health(),
    };
    const app = await createAdmin(this.config, telemetry);
    await app.listen(0, '127.0.0.1');
    this.apps.push(app);
    await app.get(LedgerConnection).ready((error) => {
      throw error;
    });
    return app;
  }

  get app(): NestFastifyApplication {
    const [app] = this.apps;
    if (app === undefined) throw new Error('the world has no process');
    return app;
  }

  get dataSource(): DataSource {
    return this.database.dataSource;
  }

  get maintenance(): MaintenanceService {
    return this.app.get(MaintenanceService);
  }

  get gate(): GateClient {
    return this.app.get(GateClient);
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, key = OPERATOR.key, headers = {} } = options;
    const response = await fetch(`${await this.app.getUrl()}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** As the shop's backend, under `/shop/v1`. */
  async shop(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call(method, `/shop/v1${path}`, { key: SERVICE.key, ...options });
  }

  /** Defines a sale with one item, that may run for an hour. */
  async createSale(changes: Partial<NewSaleBody> = {}, stock = 10): Promise<ItemRef> {
    const sale = saleBody({ stock }, changes);
    const answer = await this.call('POST', '/admin/v1/sales', { body: sale });
    if (answer.status !== 201) throw new Error(`the sale was not created: ${JSON.stringify(answer.body)}`);
    const { id, items } = answer.body as OperatorSale;
    return { saleId: id, productId: items[0]?.productId ?? '' };
  }

  async openSale(stock = 10): Promise<ItemRef> {
    const item = await this.createSale({}, stock);
    const answer = await this.act(item, 'open');
    if (answer.status !== 200) throw new Error(`the sale did not open: ${JSON.stringify(answer.body)}`);
    return item;
  }

  async act({ saleId }: ItemRef, action: string): Promise<Answer> {
    return this.call('POST', `/admin/v1/sales/${saleId}/${action}`);
  }

  async readSale({ saleId }: ItemRef): Promise<OperatorSale> {
    return (await this.call('GET', `/admin/v1/sales/${saleId}`)).body as OperatorSale;
  }

  async readItem(item: ItemRef): Promise<SaleItemAnswer> {
    const { items } = await this.readSale(item);
    const found = items.find(({ productId }) => productId === item.productId);
    if (found === undefined) throw new Error('the sale does not have the item');
    return found;
  }

  async changeStock(
    item: ItemRef,
    delta: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const path = `/admin/v1/sales/${item.saleId}/items/${item.productId}/stock`;
    return this.call('POST', path, { body: { delta, reason: 'A count' }, headers });
  }

  /** The outcome of one shopper's purchase. */
  async buy(item: ItemRef, quantity = 1): Promise<string> {
    return (await this.gate.reserve(purchase(item, { quantity }))).outcome;
  }

  /** As the orders processes do, but to nobody: nothing waits in the queue any more. */
  async publish(): Promise<void> {
    const queue = new OrderEventQueue(this.dataSource);
    const send = (): Promise<void> => Promise.resolve();
    while ((await queue.publish({ statuses: send, ledger: send })).more);
  }

  async stop(): Promise<void> {
    for (const app of this.apps) await app.close();
    await this.redis.remove();
    await this.database.drop();
  }
}

interface ItemChanges {
  readonly productId?: string;
  readonly stock?: number;
}

/** The body of a valid sale with one item, open for purchases now. */
export function saleBody(
  { productId = randomId('product'), stock = 10 }: ItemChanges = {},
  changes: Partial<NewSaleBody> = {},
) {
  return {
    name: 'A sale',
    opensAt: new Date(Date.now() - HOUR_MS).toISOString(),
    closesAt: new Date(Date.now() + HOUR_MS).toISOString(),
    holdMs: 600_000,
    items: [{ productId, name: 'A product', priceMinor: 1_999, currency: 'EUR', stock, perShopperLimit: 10 }],
    ...changes,
  };
}

function keysSetting(...callers: readonly { readonly name: string; readonly key: string }[]): string {
  return callers.map(({ name, key }) => `${name}:${hash('sha256', key, 'hex')}`).join(',');
}

export function newKey(): Readonly<Record<string, string>> {
  return { 'idempotency-key': randomUUID() };
}

export function codeOf({ body }: Answer): unknown {
  return (body as { readonly code?: unknown }).code;
}

/** A problem's status and code. */
export function statusAndCode(answer: Answer): readonly [number, unknown] {
  return [answer.status, codeOf(answer)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
