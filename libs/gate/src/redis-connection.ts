import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { breakConnection } from './break-connection';
import { ClusterNodes } from './cluster-nodes';
import { redisTlsOf } from './redis-tls';
import type { RedisConfig } from './settings';

/** What became of the connection; `down` carries the last error's text. */
export type ConnectionEvent = { readonly state: 'up' } | { readonly state: 'down'; readonly reason: string };

/** One Redis process as far as pipelines care: commands of one shard may share a pipeline. */
export interface Shard {
  readonly id: string;
  /** Undefined where there is no connection now. */
  readonly client: Redis | undefined;
  /** Whether the node of a cluster is only just being connected to. One Redis is there or not. */
  readonly isConnecting: () => boolean;
  /** Breaks the shard's connection, so that what waits on it ends. A newer connection is left alone. */
  readonly abandon: () => void;
}

const RECONNECT_MAX_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** The nodes are asked one after the other: a silent one must not hold up the look at the slots for long. */
const SLOTS_TIMEOUT_MS = 1_000;

/** ioredis' words for a connection that was never ready. */
const CONNECTING: ReadonlySet<string> = new Set(['wait', 'connecting', 'connect']);

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
  private readonly nodes: ClusterNodes | undefined;
  private readonly listeners = new Set<(event: ConnectionEvent) => void>();
  private told: ConnectionEvent['state'] | undefined;
  private generation = 0;
  /** The last generation whose connection was broken. */
  private abandoned = 0;
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
    if (this.client instanceof Cluster) this.nodes = new ClusterNodes(this.client, nodeOptions(config));
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

  get durability(): RedisConfig['FLUX_DURABILITY'] {
    return this.config.FLUX_DURABILITY;
  }

  /** The shard that serves a key, as the client knows the cluster now. */
  shardOf(key: string): Shard {
    const { client, nodes } = this;
    if (client instanceof Redis) {
      const { generation } = this;
      return {
        id: 'single',
        client,
        isConnecting: () => false,
        abandon: () => {
          // A frozen server does not close its end for two seconds, and each further call would leave a listener there.
          if (generation !== this.generation || generation === this.abandoned) return;
          if (client.status !== 'ready') return;
          this.abandoned = generation;
          client.disconnect(true);
        },
      };
    }
    const address = nodes?.addressOf(key);
    return nodeShard(address ?? 'unknown', address === undefined ? undefined : nodes?.find(address));
  }

  /** The node that a redirection names. */
  shardAt(address: string): Shard {
    return nodeShard(address, this.nodes?.findOrConnect(address));
  }

  /** A server said that a slot lives elsewhere. */
  moved(redirection: { readonly slot: number; readonly address: string }): void {
    this.nodes?.moved(redirection);
  }

  /** Whatever went wrong may mean that another node serves the slot now. */
  lookAgain(): void {
    this.nodes?.refresh();
  }

  /** Every master, for commands that go to all of them. Empty while a cluster's nodes are not known. */
  masters(): readonly Redis[] {
    return this.client instanceof Redis ? [this.client] : this.client.nodes('master');
  }

  /** Ends the connection; what is still in flight has an unknown outcome. */
  close(): void {
    this.closing = true;
    this.nodes?.close();
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
    ...redisTlsOf(config.REDIS_URL, config),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
    // A demoted master refuses writes for ever: connect again, to whom the address leads now.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
}

/** How one node of a cluster is connected to. User, password and TLS are those of the first URL. */
function nodeOptions(config: RedisConfig): RedisOptions {
  const { username, password, href } = urlsOf(config)[0] ?? new URL('redis://127.0.0.1');
  return {
    ...commonOptions(config),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...redisTlsOf(href, config),
  };
}

function clusterClient(config: RedisConfig): Cluster {
  const options: ClusterOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelayMs,
    maxRedirections: 5,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    redisOptions: nodeOptions(config),
  };
  return new Cluster(
    urlsOf(config).map(({ hostname, port }) => ({ host: hostname, port: Number(port || '6379') })),
    options,
  );
}

function urlsOf({ REDIS_URL }: RedisConfig): readonly URL[] {
  return REDIS_URL.split(',').map((url) => new URL(url));
}

function nodeShard(address: string, client: Redis | undefined): Shard {
  return {
    id: address,
    client,
    isConnecting: () => client !== undefined && CONNECTING.has(client.status),
    abandon: () => {
      // A node's connection never reconnects: the one that stalled is the one that ends here.
      if (client !== undefined) breakConnection(client);
    },
  };
}

function ignore(): void {
  // The client tells of it by its events and tries again.
}
