import { type IncomingHttpHeaders, type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OrderStatusEvent } from '@flux/contracts';
import { randomId } from '@flux/testing';
import { Webhook } from 'standardwebhooks';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An endpoint of a shop. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** Answers with this status, or never. */
  status: number | 'never' = 204;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on('request', receiver.listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** The events, each verified by the official library. */
  events(secret: string): readonly OrderStatusEvent[] {
    return this.received.map(
      ({ headers, body }) =>
        new Webhook(secret).verify(body, headers as Record<string, string>) as OrderStatusEvent,
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private readonly listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      this.received.push({ path: request.url ?? '', headers: request.headers, body });
      if (this.status === 'never') return;
      // A redirect leads back here, where it would be seen.
      response.writeHead(this.status, { location: `http://127.0.0.1:${this.port}/elsewhere` });
      response.end('thank you');
    });
  };
}

/** A change of an order that is nowhere else. */
export function newEvent(): OrderStatusEvent {
  const orderId = `${randomId('sale')}.p.0123456789012345678901`;
  return {
    type: 'order-status.v1',
    id: `${orderId}.confirmed`,
    orderId,
    saleId: orderId.split('.')[0] ?? '',
    productId: 'p',
    shopperId: 'ann@example.com',
    quantity: 1,
    status: 'confirmed',
    occurredAt: new Date().toISOString(),
  };
}
