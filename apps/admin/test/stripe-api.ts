import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}

interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface StoredRefund {
  readonly id: string;
  readonly object: 'refund';
  status: string;
  readonly payment_intent: string;
  readonly metadata: { readonly order_id: string };
}

/** As much of Stripe's API as is called, by its documentation: payment intents, refunds and idempotency keys. */
export class StripeApi {
  readonly calls: Call[] = [];
  /** Answered instead, once each. */
  readonly failures: ApiAnswer[] = [];
  /** What a refund becomes at once. */
  refundStatus = 'succeeded';
  readonly refunds: StoredRefund[] = [];
  private readonly byKey = new Map<string, ApiAnswer>();
  private made = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<StripeApi> {
    const server = createServer();
    const api = new StripeApi(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const { status, body } = api.answer(request, Buffer.concat(chunks).toString());
        response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_test' });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  callsOf(method: string, path: string): readonly Call[] {
    return this.calls.filter((call) => call.method === method && call.path === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, body: string): ApiAnswer {
    const { method = '', headers } = request;
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://stripe');
    const form = method === 'GET' ? searchParams : new URLSearchParams(body);
    this.calls.push({ method, path, headers, form });
    const failure = this.failures.shift();
    if (failure !== undefined) return failure;
    const key = headers['idempotency-key'];
    if (typeof key !== 'string') return this.carryOut(method, path, form);
    const answer = this.byKey.get(key) ?? this.carryOut(method, path, form);
    this.byKey.set(key, answer);
    return answer;
  }

  private carryOut(method: string, path: string, form: URLSearchParams): ApiAnswer {
    switch (`${method} ${path}`) {
      case 'POST /v1/payment_intents': {
        const id = `pi_${(this.made += 1)}`;
        const metadata = { order_id: form.get('metadata[order_id]') };
        return ok({ id, object: 'payment_intent', client_secret: `${id}_secret_canary`, metadata });
      }
      case 'GET /v1/refunds':
        return ok({
          object: 'list',
          has_more: false,
          data: this.refunds.filter((refund) => refund.payment_intent === form.get('payment_intent')),
        });
      case 'POST /v1/refunds': {
        const refund: StoredRefund = {
          id: `re_${(this.made += 1)}`,
          object: 'refund',
          status: this.refundStatus,
          payment_intent: form.get('payment_intent') ?? '',
          metadata: { order_id: form.get('metadata[order_id]') ?? '' },
        };
        this.refunds.push(refund);
        return ok({ ...refund });
      }
      default:
        return { status: 404, body: { error: { type: 'invalid_request_error', message: 'no such path' } } };
    }
  }
}

function ok(body: unknown): ApiAnswer {
  return { status: 200, body };
}
