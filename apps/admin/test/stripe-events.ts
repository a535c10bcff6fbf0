import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import type { AdminWorld, Answer } from './admin.world';

export const WEBHOOK_SECRET = 'whsec_the_present_secret_0123456789';
export const NEXT_SECRET = 'whsec_the_next_secret_0123456789ab';
const NAME_OF_PAYER = 'Canary Payer';

export const STRIPE_SETTINGS = {
  FLUX_PAYMENTS: 'stripe',
  FLUX_STRIPE_SECRET_KEY: 'sk_test_canary_0123456789abcdef0123456789',
  FLUX_STRIPE_WEBHOOK_SECRETS: `${WEBHOOK_SECRET}, ${NEXT_SECRET}`,
};

interface Money {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount?: number;
  readonly currency?: string;
}

export interface SendOptions {
  readonly secret?: string;
  /** Seconds that the signature's time is off. */
  readonly skewSeconds?: number;
  /** null: no header. */
  readonly header?: string | null;
  /** What is sent instead of what was signed. */
  readonly tamper?: (body: string) => string;
}

export function newPaymentId(): string {
  return `pi_${randomUUID().replaceAll('-', '')}`;
}

/** An event as Stripe writes it, with much that is of no use here. */
export function stripeEvent(type: string, object: object, changes: object = {}) {
  return {
    id: `evt_${randomUUID().replaceAll('-', '')}`,
    object: 'event',
    api_version: '2024-06-20',
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    pending_webhooks: 1,
    request: { id: 'req_1', idempotency_key: null },
    type,
    data: { object },
    ...changes,
  };
}

export function succeeded(
  { paymentId, orderId, amount = 1_999, currency = 'eur' }: Money,
  changes: object = {},
) {
  const intent = {
    id: paymentId,
    object: 'payment_intent',
    amount,
    amount_received: amount,
    currency,
    metadata: { order_id: orderId },
    receipt_email: `${NAME_OF_PAYER}@example.com`,
    shipping: { name: NAME_OF_PAYER },
  };
  return stripeEvent('payment_intent.succeeded', intent, changes);
}

export function refunded(
  { paymentId, orderId, amount = 1_999, currency = 'eur' }: Money,
  changes: object = {},
) {
  const charge = {
    id: 'ch_1',
    object: 'charge',
    payment_intent: paymentId,
    amount,
    amount_refunded: amount,
    refunded: true,
    currency,
    metadata: { order_id: orderId },
    billing_details: { name: NAME_OF_PAYER },
    ...changes,
  };
  return stripeEvent('charge.refunded', charge);
}

/** Sends an event as Stripe does: signed by its own library, over the bytes of the body. */
export async function sendStripe(
  world: AdminWorld,
  event: object,
  options: SendOptions = {},
): Promise<Answer> {
  const { secret = WEBHOOK_SECRET, skewSeconds = 0, tamper = (body) => body } = options;
  // Stripe indents, so that a parsed and rewritten body would have another signature.
  const payload = JSON.stringify(event, undefined, 2);
  const timestamp = Math.floor(Date.now() / 1_000) + skewSeconds;
  const { header = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }) } = options;
  return world.call('POST', '/webhooks/stripe', {
    key: null,
    body: tamper(payload),
    headers: header === null ? {} : { 'stripe-signature': header },
  });
}

/** The name of the payer must be nowhere. */
export function mentionsPayer(text: string): boolean {
  return text.includes(NAME_OF_PAYER);
}
