import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What a proxy does with the bytes:
 * - `pass`: hands them on
 * - `hold`, `hold-answers`: keeps them (or the answers only) until it passes again
 * - `drop-requests`, `drop-answers`: throws away what goes one way; such a connection is cut afterwards, for what
 *   follows would make no sense
 * - `half-open`: the server's end of every connection is gone and its client is not told, until the proxy does
 *   something else; new connections pass
 * - `cut`: breaks every connection and refuses new ones
 */
export type ProxyMode =
  'pass' | 'hold' | 'hold-answers' | 'drop-requests' | 'drop-answers' | 'half-open' | 'cut';

/** How much slower than loopback, each way. Bytes never overtake each other. */
export interface Slowness {
  readonly latencyMs?: number;
  /** Up to so much is added to each chunk's latency. */
  readonly jitterMs?: number;
  readonly bytesPerSecond?: number;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Bytes of it are lost: it cannot go on. */
  isSpoilt: boolean;
  /** Its client is not told that the server's end is gone. */
  isHalfOpen: boolean;
}

/** A TCP proxy on loopback for faults between a process and its server. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private mode: ProxyMode = 'pass';
  private slowness: Slowness | undefined;

  private constructor(
    private readonly server: Server,
    private target: { readonly host: string; readonly port: number },
  ) {
    server.on('connection', (client) => {
      this.join(client);
    });
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new TcpProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that it carries now. */
  get connections(): number {
    return this.pairs.size;
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    for (const pair of this.pairs) {
      if (pair.isSpoilt || pair.isHalfOpen) pair.client.destroy();
      else if (mode === 'half-open') {
        pair.isHalfOpen = true;
        pair.upstream.destroy();
      } else this.apply(pair);
    }
  }

  /** From now on as slow as this; without an argument as fast as before. What is on its way keeps its time. */
  slowDown(slowness?: Slowness): void {
    this.slowness = slowness;
  }

  /** Leads elsewhere from now on, as an address does after a failover: what it carried is cut. */
  lead(target: { readonly host: string; readonly port: number }): void {
    this.target = target;
    for (const { client } of this.pairs) client.destroy();
  }

  async stop(): Promise<void> {
    this.set('cut');
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private join(client: Socket): void {
    if (this.mode === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(this.target.port, this.target.host);
    const pair: Pair = { client, upstream, isSpoilt: false, isHalfOpen: false };
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    const serverEnded = (): void => {
      if (!pair.isHalfOpen) end();
    };
    client.on('error', end).on('close', end);
    upstream.on('error', serverEnded).on('close', serverEnded);
    const [requests, answers] = [new Lane(upstream), new Lane(client)];
    client.on('data', (chunk) => {
      if (this.mode === 'drop-requests') pair.isSpoilt = true;
      else if (!pair.isHalfOpen) requests.send(chunk, this.slowness);
    });
    upstream.on('data', (chunk) => {
      if (this.mode === 'drop-answers') pair.isSpoilt = true;
      else answers.send(chunk, this.slowness);
    });
    this.apply(pair);
  }

  private apply({ client, upstream }: Pair): void {
    switch (this.mode) {
      case 'pass':
      case 'drop-requests':
      case 'drop-answers':
      case 'half-open':
        client.resume();
        upstream.resume();
        return;
      case 'hold':
        client.pause();
        upstream.pause();
        return;
      case 'hold-answers':
        client.resume();
        upstream.pause();
        return;
      case 'cut':
        client.destroy();
    }
  }
}

/** One direction of a connection: chunks leave in the order in which they came, each when it is due. */
class Lane {
  private readonly waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  private lastDueAt = 0;

  constructor(private readonly to: Socket) {}

  send(chunk: Buffer, slowness: Slowness | undefined): void {
    if (slowness === undefined && this.waiting.length === 0) {
      this.to.write(chunk);
      return;
    }
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = slowness ?? {};
    const arrivesAt = Date.now() + latencyMs + Math.random() * jitterMs;
    // The line is busy until what came before has passed.
    this.lastDueAt = Math.max(arrivesAt, this.lastDueAt) + (chunk.length / bytesPerSecond) * 1_000;
    this.waiting.push({ chunk, dueAt: this.lastDueAt });
    if (this.waiting.length === 1) this.wait();
  }

  private wait(): void {
    const [next] = this.waiting;
    if (next === undefined) return;
    // A delay that nobody waits for must not keep the test process alive.
    setTimeout(() => {
      this.waiting.shift();
      if (this.to.writable) this.to.write(next.chunk);
      this.wait();
    }, next.dueAt - Date.now()).unref();
  }
}
