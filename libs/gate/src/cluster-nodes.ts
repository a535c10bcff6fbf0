import { Command, Redis, type Cluster, type RedisOptions } from 'ioredis';

/** Least pause between two looks at who serves which slots. */
const REFRESH_PAUSE_MS = 200;

/**
 * Connections to the single nodes of a Redis Cluster: by key, as the client knows the slots now, or by the address that
 * a redirection names. ioredis keeps the map of the slots and one connection per node that serves some; a connection
 * that ends is replaced when the map is read anew, which this class sees to.
 */
export class ClusterNodes {
  /** Nodes that serve no slot as far as the map says: targets of a first slot's move, masters just promoted. */
  private readonly strays = new Map<string, Redis>();
  private refreshedAt = -Infinity;
  private refreshing: NodeJS.Timeout | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: RedisOptions,
  ) {
    // Opened at once, so that the first order of an item does not wait for it.
    cluster.on('+node', (node: Redis) => void node.connect().catch(ignore));
    cluster.on('-node', () => {
      this.refresh();
    });
  }

  /** Where a key lives, by the map. */
  addressOf(key: string): string | undefined {
    return this.cluster.slots[new Command('get', [key]).getSlot()]?.[0];
  }

  /** The connection to a node, usable or not yet; undefined where there is none. */
  find(address: string): Redis | undefined {
    const pooled = this.cluster.nodes('all').find((node) => addressOf(node) === address);
    const stray = this.strays.get(address);
    return pooled?.status === 'ready' ? pooled : (stray ?? pooled);
  }

  /** The connection to a node that a redirection names; made where there is none. */
  findOrConnect(address: string): Redis {
    const known = this.find(address);
    if (known !== undefined) return known;
    const at = address.lastIndexOf(':');
    const node = new Redis({
      ...this.options,
      host: address.slice(0, at),
      port: Number(address.slice(at + 1)),
      retryStrategy: () => null,
    });
    this.strays.set(address, node);
    node.on('error', ignore);
    node.once('end', () => this.strays.delete(address));
    node.connect().catch(ignore);
    return node;
  }

  /** A slot has moved: what follows goes there, and the rest of the map is read anew. */
  moved({ slot, address }: { readonly slot: number; readonly address: string }): void {
    this.cluster.slots[slot] = [address];
    this.findOrConnect(address);
    this.refresh();
  }

  /** Reads the map of the slots anew, at once or in a moment. */
  refresh(): void {
    if (this.refreshing !== undefined) return;
    const pauseMs = Math.max(0, this.refreshedAt + REFRESH_PAUSE_MS - performance.now());
    this.refreshing = setTimeout(() => {
      this.refreshing = undefined;
      this.refreshedAt = performance.now();
      // A cluster of which nothing is left connects anew by itself.
      if (this.cluster.status === 'ready') this.cluster.refreshSlotsCache();
    }, pauseMs);
    this.refreshing.unref();
  }

  close(): void {
    clearTimeout(this.refreshing);
    for (const stray of this.strays.values()) stray.disconnect();
  }
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${String(host)}:${String(port)}`;
}

function ignore(): void {
  // The node's connection ends, which says it all.
}
