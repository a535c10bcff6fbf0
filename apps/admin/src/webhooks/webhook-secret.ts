import { randomBytes } from 'node:crypto';
import type { OrderStatusEvent } from '@flux/contracts';
import { Webhook } from 'standardwebhooks';

/** The specification asks for 24 to 64. */
const SECRET_BYTES = 32;
/** The present one, and the one before it. */
const LIVE_SECRETS = 2;

export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The newest first; what it replaces signs on until the next rotation. */
export function rotated(secrets: readonly string[], next: string): string[] {
  return [next, ...secrets].slice(0, LIVE_SECRETS);
}

export interface SignedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * An event as Standard Webhooks has it: one signature for each secret. A repeat has the same id, another time.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedWebhook(
  event: OrderStatusEvent,
  secrets: readonly string[],
  now = new Date(),
): SignedWebhook {
  const body = JSON.stringify(event);
  const signatures = secrets.map((secret) => new Webhook(secret).sign(event.id, now, body));
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Flux-Gate',
      'webhook-id': event.id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}
