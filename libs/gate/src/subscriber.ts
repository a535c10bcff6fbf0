import type { ItemRef } from '@flux/contracts';
import { Redis } from 'ioredis';
import { breakConnection } from './break-connection';
import { itemKeys } from './gate-keys';
import { reconnectDelayMs } from './redis-connection';
import { redisTlsOf } from './redis-tls';
import type { RedisConfig } from './settings';

/** Must not throw. */
export interface ItemListener {
  /** Units came back, or the item changed state. */
  onStock?(): void;
  /** Orders may read differently now. */
  onOrders?(change: OrdersChange): void;
}

export interface OrdersChange {
  /** Orders without a state of their own are confirmed up to this sequence. */
  readonly watermark: number;
  /** Those whose own state was written. */
  readonly orderIds: readonly string[];
}

/** A server whose machine is gone closes no connection: it is asked for a sign of life this often. */
const HEARTBEAT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;

/** One call of `subscribe`. */
interface Subscription {
  readonly listener: ItemListener;
}

/**
 * The push channel of the gate: tells what changed in an item and in its orders. One connection of its own, made with the first subscription, to the first server of the list that answers (in Cluster every node
 * hears every message).
 *
 * A server that dies, or gives no sign of life for a second and a command timeout, is left for the next of the list.
 * Messages are hints and may be lost: while `isUp` is false nothing that a message would have cleared may be trusted.
 */
export class GateSubscriber {
  private readonly listeners = new Map<string, Set<Subscription>>();
  private readonly changeListeners = new Set<(up: boolean) => void>();
  private readonly urls: readonly string[];
  private readonly timeoutMs: number;
  private connection: Redis | undefined;
  private retry: NodeJS.Timeout | undefined;
  private attempts = 0;
  private up = false;
  private closed = false;

  constructor(private readonly config: RedisConfig) {
    this.urls = config.REDIS_URL.split(',');
    this.timeoutMs = config.FLUX_REDIS_COMMAND_TIMEOUT_MS;
  }

  /** Whether every subscription is in place now. */
  isUp(): boolean {
    return this.up;
  }

  /**
   * Told `false` when the channel is lost and `true` once every subscription is in place again.
   * @returns a function that ends the listening
   */
  onChange(listener: (up: boolean) => void): () => void {
    this.changeListeners.add(listener);
    return () => void this.changeListeners.delete(listener);
  }

  /**
   * Calls the listener at each message of the item. Resolves when the subscription is in place, or, while the channel is
   * down, at once: then it is made with the reconnect, before `onChange(true)`.
   * @returns a function that ends the subscription
   */
  async subscribe(item: ItemRef, listener: ItemListener): Promise<() => void> {
    const { channel } = itemKeys(item);
    const subscription = { listener };
    const known = this.listeners.get(channel);
    const ofChannel = known ?? new Set<Subscription>();
    ofChannel.add(subscription);
    this.listeners.set(channel, ofChannel);
    const { connection } = this;
    if (connection === undefined) {
      this.connect();
    } else if (this.up) {
      // A failure ends the connection, and the next one subscribes to all.
      await connection.subscribe(channel).catch(() => {
        breakConnection(connection);
      });
    }
    return () => {
      this.unsubscribe(channel, subscription);
    };
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.connection?.disconnect();
    this.setUp(false);
  }

  private unsubscribe(channel: string, subscription: Subscription): void {
    const ofChannel = this.listeners.get(channel);
    if (ofChannel === undefined) return;
    ofChannel.delete(subscription);
    if (ofChannel.size > 0) return;
    this.listeners.delete(channel);
    const { connection } = this;
    if (!this.up || connection === undefined) return;
    connection.unsubscribe(channel).catch(() => {
      breakConnection(connection);
    });
  }

  private connect(): void {
    const url = this.urls[this.attempts % this.urls.length] ?? '';
    this.attempts += 1;
    const connection = new Redis(url, {
      ...redisTlsOf(url, this.config),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: this.timeoutMs,
      retryStrategy: () => null,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      autoResubscribe: false,
      connectionName: 'flux-gate-push',
    });
    this.connection = connection;
    connection.on('error', ignore);
    connection.on('message', (channel: string, message: string) => {
      for (const { listener } of this.listeners.get(channel) ?? []) tell(listener, message);
    });
    const giveUp = (): void => {
      breakConnection(connection);
    };
    const heartbeat = setInterval(() => {
      if (this.up) connection.ping().catch(giveUp);
    }, HEARTBEAT_MS).unref();
    connection.once('end', () => {
      clearInterval(heartbeat);
      this.setUp(false);
      if (this.closed) return;
      this.retry = setTimeout(() => {
        this.connect();
      }, reconnectDelayMs(this.attempts));
    });
    connection
      .connect()
      .then(() => this.subscribeToAll(connection))
      .catch(giveUp);
  }

  /** Subscriptions asked for meanwhile are made in another round. */
  private async subscribeToAll(connection: Redis): Promise<void> {
    const made = new Set<string>();
    for (;;) {
      const missing = [...this.listeners.keys()].filter((channel) => !made.has(channel));
      if (missing.length === 0) break;
      await connection.subscribe(...missing);
      for (const channel of missing) made.add(channel);
    }
    this.attempts = 1;
    this.setUp(true);
  }

  private setUp(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    for (const listener of this.changeListeners) listener(up);
  }
}

/** A word that this release does not know is for a newer one. */
function tell(listener: ItemListener, message: string): void {
  const [word, watermark, ...orderIds] = message.split(' ');
  if (word === 'stock') listener.onStock?.();
  else if (word === 'orders') listener.onOrders?.({ watermark: Number(watermark), orderIds });
}

function ignore(): void {
  // 'end' follows, and with it the next attempt.
}
