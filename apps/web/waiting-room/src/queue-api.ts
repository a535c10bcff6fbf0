import type { QueueAnswer } from '@flux/contracts';
import type { IdentityHeaders } from './identity';
import { timedFetch } from './timed-fetch';

/** What came of asking the shop API. */
export type Reply =
  | { readonly kind: 'answer'; readonly answer: QueueAnswer }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'left' }
  /** No answer, or none of the shop API's own. */
  | { readonly kind: 'unreachable'; readonly retryAfterMs: number };

/** How long an answer may take: longer than a busy gateway does, shorter than a shopper's patience. */
const TIMEOUT_MS = 10_000;

interface QueueApiOptions {
  /** The API's origin; empty: the page's own. */
  readonly apiUrl: string;
  readonly saleId: string;
  readonly identity: IdentityHeaders;
  /** Hears the server's clock, in ms since 1970. */
  readonly onServerTime: (serverMs: number) => void;
}

/** The line of one sale, as the shop API serves it. No method throws. */
export class QueueApi {
  private readonly url: string;

  constructor(private readonly options: QueueApiOptions) {
    this.url = `${options.apiUrl}/v1/sales/${encodeURIComponent(options.saleId)}/queue`;
  }

  /** @param challenge how the sale's challenge was met, where it has one */
  join(ticket: string | undefined, challenge: string | undefined): Promise<Reply> {
    return this.ask('POST', {
      ...this.options.identity,
      ...ticketHeader(ticket),
      ...(challenge === undefined ? {} : { 'x-challenge': challenge }),
    });
  }

  look(ticket: string): Promise<Reply> {
    return this.ask('GET', ticketHeader(ticket));
  }

  leave(ticket: string): Promise<Reply> {
    return this.ask('DELETE', ticketHeader(ticket));
  }

  private async ask(method: string, headers: Readonly<Record<string, string>>): Promise<Reply> {
    const init = { method, headers, cache: 'no-store', timeoutMs: TIMEOUT_MS } as const;
    try {
      return await timedFetch(this.url, init, (response) => {
        this.hearTime(response);
        return replyOf(response);
      });
    } catch {
      return { kind: 'unreachable', retryAfterMs: 0 };
    }
  }

  private hearTime({ headers }: Response): void {
    const serverMs = Date.parse(headers.get('date') ?? '');
    if (!Number.isNaN(serverMs)) this.options.onServerTime(serverMs);
  }
}

async function replyOf(response: Response): Promise<Reply> {
  const { status } = response;
  const retryAfterMs = 1_000 * (Number(response.headers.get('retry-after')) || 0);
  if (status === 204) return { kind: 'left' };
  const body = (await response.json()) as Partial<QueueAnswer> & { readonly code?: unknown };
  if (response.ok && typeof body.status === 'string' && typeof body.askAgainMs === 'number') {
    return { kind: 'answer', answer: body as QueueAnswer };
  }
  if (status < 400 || status >= 500 || typeof body.code !== 'string')
    return { kind: 'unreachable', retryAfterMs };
  return { kind: 'refused', status, code: body.code, retryAfterMs };
}

function ticketHeader(ticket: string | undefined): Readonly<Record<string, string>> {
  return ticket === undefined ? {} : { 'x-ticket': ticket };
}
