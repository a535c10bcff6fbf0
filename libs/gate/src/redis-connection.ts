import { Cluster, Command, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { RedisConfig } from './settings';

/** What became of the connection; `down` carries the last error's text. */
export type ConnectionEvent = { readonly state: 'up' } | { readonly state: 'down'; readonly reason: string };

/** One Redis process as far as pipelines care: commands of one shard may share a pipeline. */
export interface Shard {
  readonly id: string;
  /** Breaks the shard's connection, so that what waits on it ends. A newer connection is left alone. */
  readonly abandon: () => void;
}

const RECONNECT_MAX_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Reconnects for ever: 50 ms, 100 ms, ... 2 s. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt - 1, 10), RECONNECT_MAX_MS);
}

/**
 * The gate's connection to one Redis or to Redis Cluster. Connects by itself and reconnects for ever; that Redis is
 * not there is a state (`isReady` false), never an exception.
 */
export class RedisConnection {
  readonly client: Redis | Cluster;
  private readonly listeners = new Set<(event: ConnectionEvent) => void>();
  private told: ConnectionEvent['state'] | undefined;
  private generation = 0;
  private lastError = 'not connected yet';
  private closing = false;

  constructor(private readonly config: RedisConfig) {
    this.client = config.FLUX_REDIS_MODE === 'single' ? singleClient(config) : clusterClient(config);
    this.client.on('error', (error: Error) => {
      this.lastError = error.message;
    });
    this.client.on('ready', () => {
      this.generation += 1;
      this.tell({ state: 'up' });
    });
    this.client.on('close', () => {
      if (!this.closing) this.tell({ state: 'down', reason: this.lastError });
    });
    // Node connections of a cluster are opened at once, so that the first order of an item does not wait for one.
    if (this.client instanceof Cluster)
      this.client.on('+node', (node: Redis) => void node.connect().catch(ignore));
    this.client.connect().catch(ignore);
  }

  get timeoutMs(): number {
    return this.config.FLUX_REDIS_COMMAND_TIMEOUT_MS;
  }

  /** Whether commands would be sent now. */
  isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Resolves at the first moment the connection is ready. */
  async whenReady(): Promise<void> {
    if (this.isReady()) return;
    await new Promise<void>((resolve) => {
      const stop = this.onChange(({ state }) => {
        if (state === 'down') return;
        stop();
        resolve();
      });
    });
  }

  /** @returns a function that ends the listening */
  onChange(listener: (event: ConnectionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The shard that serves a key, as the client knows the cluster now. */
  shardOf(key: string): Shard {
    const { client } = this;
    if (client instanceof Redis) {
      const { generation } = this;
      return {
        id: 'single',
        abandon: () => {
          if (generation === this.generation && client.status === 'ready') client.disconnect(true);
        },
      };
    }
    const slot = new Command('get', [key]).getSlot();
    const nodes = client.slots[slot] ?? [];
    const master = client
      .nodes('master')
      .find(({ options }) => `${options.host}:${options.port}` === nodes[0]);
    return {
      id: nodes.join(';'),
      abandon: () => {
        // A node's connection never reconnects; the pool replaces it, so this one is the one that stalled.
        master?.disconnect();
      },
    };
  }

  /** Every master, for commands that go to all of them. Empty while a cluster's nodes are not known. */
  masters(): readonly Redis[] {
    return this.client instanceof Redis ? [this.client] : this.client.nodes('master');
  }

  /** Ends the connection; what is still in flight has an unknown outcome. */
  close(): void {
    this.closing = true;
    this.client.disconnect();
  }

  /** Failed attempts to connect again are no news. */
  private tell(event: ConnectionEvent): void {
    if (this.told === event.state) return;
    this.told = event.state;
    for (const listener of this.listeners) listener(event);
  }
}

function commonOptions(config: RedisConfig): RedisOptions {
  return {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    // Without it a command whose connection was lost would wait for ever (ioredis issue 2193).
    commandTimeout: config.FLUX_REDIS_COMMAND_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
    connectionName: 'flux-gate',
  };
}

function singleClient(config: RedisConfig): Redis {
  return new Redis(config.REDIS_URL, {
    ...commonOptions(config),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
    // A demoted master refuses writes for ever: connect again, to whom the address leads now.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
}

function clusterClient(config: RedisConfig): Cluster {
  const urls = config.REDIS_URL.split(',').map((url) => new URL(url));
  const { username, password, protocol } = urls[0] ?? new URL('redis://127.0.0.1');
  const options: ClusterOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelayMs,
    maxRedirections: 5,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    redisOptions: {
      ...commonOptions(config),
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  };
  return new Cluster(
    urls.map(({ hostname, port }) => ({ host: hostname, port: Number(port || '6379') })),
    options,
  );
}

function ignore(): void {
  // The client tells of it by its events and tries again.
}
