import type { ItemRef } from '@flux/contracts';
import {
  itemKeys,
  type GateItem,
  type OpenRequest,
  type OrderRecord,
  type RedisConfig,
  type Release,
  type ReleaseOutcome,
  type ReserveRequest,
  type SettleOutcome,
  type SettleRequest,
} from '@flux/gate';
import {
  connectGate,
  gateConfig,
  opening,
  prove,
  purchase,
  randomItem,
  recordsOf,
  type GateClients,
  type PurchaseOptions,
} from './gate-fixtures';
import { startRedis, type RedisServer } from './redis-server';
import { waitUntil } from './wait-until';

export const SETTLED_AT_MS = 1_790_000_000_000;

/** A private Redis with a gate on it. */
export class GateWorld {
  private constructor(
    readonly server: RedisServer,
    readonly clients: GateClients,
  ) {}

  static async start(
    settings: Readonly<Partial<Record<keyof RedisConfig, string>>> = {},
    redisConfig: Readonly<Record<string, string>> = {},
  ): Promise<GateWorld> {
    const server = await startRedis({ config: redisConfig });
    return new GateWorld(server, await connectGate(gateConfig(server.url, settings)));
  }

  get gate(): GateClients['gate'] {
    return this.clients.gate;
  }

  get outboxes(): GateClients['outboxes'] {
    return this.clients.outboxes;
  }

  /** A new item, open now. */
  async opened(options: Partial<OpenRequest> = {}): Promise<ItemRef> {
    const item = randomItem();
    const { outcome } = await this.gate.open(opening(item, options));
    if (outcome !== 'opened') throw new Error(`the item is ${outcome}`);
    return item;
  }

  /** Starts the server anew. The items have not been proven since, unless they are named. */
  async restart(...proven: readonly ItemRef[]): Promise<void> {
    await this.server.restart();
    await waitUntil('the gate is back', () => this.gate.isReady());
    for (const item of proven) await prove(this.clients.connection, item);
  }

  /** Units that count against the shopper's limit, as they stand in Redis. */
  async countOf(item: ItemRef, shopperId: string): Promise<string | null> {
    return this.server.client.hget(itemKeys(item).shoppers, shopperId);
  }

  /** A purchase that the gate accepted. */
  async accepted(item: ItemRef, options: PurchaseOptions = {}): Promise<ReserveRequest> {
    const request = purchase(item, options);
    const { outcome } = await this.gate.reserve(request);
    if (outcome !== 'accepted') throw new Error(`the purchase is ${outcome}`);
    return request;
  }

  /** @throws where the item's key is missing */
  async itemNow(item: ItemRef): Promise<GateItem> {
    const found = await this.gate.readItem(item);
    if (found === undefined) throw new Error('the item is gone');
    return found;
  }

  /** All that the server holds of an item, byte for byte: what "nothing changed" is compared by. */
  async everything(item: ItemRef): Promise<readonly string[]> {
    const { current, item: hash, stock, shoppers, orders, passes, outbox, ...others } = itemKeys(item);
    const { changes, timeline, lease } = others;
    const keys = [current, hash, stock, shoppers, orders, passes, outbox, changes, timeline, lease];
    const dumps = (await Promise.all(
      keys.map((key) => this.server.client.dumpBuffer(key)),
    )) as (Buffer | null)[];
    return dumps.map((dump) => dump?.toString('hex') ?? '');
  }

  /** Settles with no watermark and no states unless told, all in one run at SETTLED_AT_MS. */
  async settle(item: ItemRef, options: Partial<SettleRequest> = {}): Promise<SettleOutcome> {
    const { watermark = 0 } = options;
    const runs = watermark === 0 ? [] : [{ upTo: watermark, atMs: SETTLED_AT_MS }];
    const nothing = { epoch: 1, watermark, watermarkOrderId: '', states: [], runs };
    return this.gate.settle({ ...nothing, ...item, ...options });
  }

  /** In epoch 1. */
  async release(item: ItemRef, ...releases: readonly Release[]): Promise<ReleaseOutcome> {
    return this.gate.release({ ...item, epoch: 1, releases });
  }

  async records(item: ItemRef): Promise<ReadonlyMap<string, OrderRecord>> {
    return recordsOf(this.clients.connection, item);
  }

  async end(): Promise<void> {
    this.clients.connection.close();
    await this.server.remove();
  }
}
