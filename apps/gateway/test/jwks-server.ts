import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { freePort } from '@flux/testing';

/** A key of the shop, and how its set of keys shows it. */
export interface ShopKey {
  readonly kid: string;
  readonly alg: 'ES256' | 'RS256';
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newKey(kid: string, alg: ShopKey['alg'] = 'ES256', modulusLength = 2_048): ShopKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength });
  return { kid, alg, ...pair };
}

export function published({ kid, alg, publicKey }: ShopKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

/** The shop's server of public keys: begins and ends on the same port, and counts who asks. */
export class JwksServer {
  keys: object[] = [];
  requests = 0;
  /** In the place of the keys. */
  answer: RequestListener | undefined;
  private server: Server | undefined;

  private constructor(private readonly port: number) {}

  static async onSomePort(): Promise<JwksServer> {
    return new JwksServer(await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/.well-known/jwks.json`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.requests += 1;
      if (this.answer !== undefined) {
        this.answer(request, response);
        return;
      }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: this.keys }));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.server = server;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}
