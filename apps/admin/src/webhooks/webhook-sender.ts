import { Injectable } from '@nestjs/common';
import { EgressPolicy } from './egress-policy';
import { SendFailure, type WebhookConnections } from './send-webhook';
import type { SignedWebhook } from './webhook-secret';

export type SendOutcome =
  | { readonly outcome: 'delivered' }
  /** 410: the endpoint does not want anything any more. */
  | { readonly outcome: 'gone' }
  /** In words that tell nothing of the answer's body. */
  | { readonly outcome: 'failed'; readonly failure: string };

const GONE = 410;

/** Sends one webhook to where its endpoint leads now. */
@Injectable()
export class WebhookSender {
  constructor(private readonly policy: EgressPolicy) {}

  /** Never rejects. */
  async send(
    connections: WebhookConnections,
    {
      url,
      webhook,
      signal,
    }: { readonly url: string; readonly webhook: SignedWebhook; readonly signal: AbortSignal },
  ): Promise<SendOutcome> {
    const check = await this.policy.check(url);
    if (check.outcome === 'refused') return { outcome: 'failed', failure: `the address ${check.reason}` };
    try {
      return outcomeOf(await connections.post({ target: check.target, ...webhook, signal }));
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
  }
}

function outcomeOf(status: number): SendOutcome {
  if (status >= 200 && status < 300) return { outcome: 'delivered' };
  return status === GONE ? { outcome: 'gone' } : { outcome: 'failed', failure: `answered ${status}` };
}

/** Of errors that are not ours by their code alone: their messages name addresses. */
function failureOf(error: unknown): string {
  if (error instanceof SendFailure) return error.message;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}
