import { Agent, request } from 'node:http';

export interface Attempt {
  readonly productId: string;
  readonly shopperId: string;
  readonly idempotencyKey: string;
  readonly quantity?: number;
  readonly saleId?: string;
}

export interface Answer {
  readonly attempt: Attempt;
  readonly at: number;
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
  readonly replayed: boolean;
  readonly retryAfter: string | undefined;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/**
 * One purchase over a real socket. A connection that breaks rejects, as does one that is silent for `timeoutMs`: its
 * outcome is unknown to the client.
 */
export async function purchase(
  baseUrl: string,
  attempt: Attempt,
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): Promise<Answer> {
  const { productId, quantity, saleId, shopperId, idempotencyKey } = attempt;
  const text = JSON.stringify({ productId, quantity, saleId });
  return new Promise((resolve, reject) => {
    const call = request(
      `${baseUrl}/v1/orders`,
      {
        method: 'POST',
        agent,
        ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          'idempotency-key': idempotencyKey,
          'x-shopper-id': shopperId,
        },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            attempt,
            at: Date.now(),
            status: response.statusCode ?? 0,
            body,
            location: response.headers.location,
            replayed: response.headers['idempotency-replayed'] === 'true',
            retryAfter: response.headers['retry-after'],
          });
        });
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}

/** Sends all attempts, `concurrency` at a time, over the gateways in turn. */
export async function crowd(
  gateways: readonly { readonly baseUrl: string }[],
  attempts: readonly Attempt[],
  concurrency = 128,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const shopper = async (): Promise<void> => {
    for (let index = next++; index < attempts.length; index = next++) {
      const gateway = gateways[index % gateways.length];
      const attempt = attempts[index];
      if (gateway !== undefined && attempt !== undefined)
        answers.push(await purchase(gateway.baseUrl, attempt));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, shopper));
  return answers;
}

export function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

/** The answer's kind: its status and, for a problem, its code. */
export function kindOf({ status, body, replayed }: Answer): string {
  if (status === 202) return replayed ? 'replayed' : 'accepted';
  return `${status} ${codeOf(body) ?? ''}`;
}

/** What the server says of itself, below the product, has no body. */
function codeOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { code?: string }).code;
  } catch {
    return undefined;
  }
}

/** The order that a 202 names. */
export function orderIdOf({ body }: Answer): string {
  return (JSON.parse(body) as { orderId: string }).orderId;
}
