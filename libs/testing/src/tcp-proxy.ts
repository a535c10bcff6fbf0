import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a proxy does with the bytes: hands them on, holds them (or the answers only), or breaks every connection. */
export type ProxyMode = 'pass' | 'hold' | 'hold-answers' | 'cut';

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/**
 * A TCP proxy on loopback for faults between a process and its server. Held bytes are kept, not lost: with
 * `pass` they go out.
 */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private mode: ProxyMode = 'pass';

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
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

  set(mode: ProxyMode): void {
    this.mode = mode;
    for (const pair of this.pairs) this.apply(pair);
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
    const pair: Pair = { client, upstream };
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => client.write(chunk));
    this.apply(pair);
  }

  private apply({ client, upstream }: Pair): void {
    switch (this.mode) {
      case 'pass':
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
