import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { AbstractConnector } from 'ioredis';

interface TlsAddress {
  readonly host?: string;
  readonly port?: number;
  readonly disconnectTimeout?: number;
  readonly tls?: ConnectionOptions;
}

/**
 * Connects as ioredis does by itself, and hears every error of the socket. ioredis listens for the first alone: a server
 * that is not trusted, or a handshake that is given up, makes two, and the second would end the process.
 */
export class TlsConnector extends AbstractConnector {
  private readonly address: TlsAddress;

  constructor(options: unknown) {
    const address = options as TlsAddress;
    super(address.disconnectTimeout ?? 0);
    this.address = address;
  }

  override connect(): Promise<TLSSocket> {
    const { host, port, tls } = this.address;
    this.connecting = true;
    const socket = connect({
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...tls,
    });
    socket.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = socket;
    return Promise.resolve(socket);
  }
}
