import { orderIdSchema, ProblemError } from '@flux/contracts';
import { parseInput } from '@flux/http';
import { z } from 'zod';
import { type ProviderEvent, type ProviderNotice, providerNoticeSchema } from '../provider-notice';
import { fromStripeAmount } from './stripe-amount';

/** An event whose signature was right, as far as it is looked at. */
export const stripeEventSchema = z.object({
  id: z.string().regex(/^\w{1,255}$/, 'must be an event id'),
  type: z.string().min(1).max(100),
  /** The connected account whose event it is; absent where it is the key's own. */
  account: z.string().optional(),
  data: z.object({ object: z.unknown() }),
});
export type StripeEvent = z.infer<typeof stripeEventSchema>;

const metadataSchema = z.object({ order_id: z.string().optional() }).nullish();
const currencySchema = z.string().transform((currency) => currency.toUpperCase());
const paymentIntentSchema = z.object({
  id: z.string(),
  amount_received: z.number(),
  currency: currencySchema,
  metadata: metadataSchema,
});
/** A charge has the metadata that its payment intent had when it was made. */
const chargeSchema = z.object({
  payment_intent: z.string().nullish(),
  amount_refunded: z.number(),
  refunded: z.boolean(),
  currency: currencySchema,
  metadata: metadataSchema,
});
const refundSchema = z.object({ payment_intent: z.string().nullish(), metadata: metadataSchema });

/**
 * What an event means here, or undefined where it means nothing: of another type, a refund of a part only, or of a
 * payment that was not started for an order of ours. The account may serve other shops too.
 * @throws ProblemError where an event of a known type cannot be read: Stripe then shows that it failed
 */
export function providerEventOf({ id, type, data }: StripeEvent): ProviderEvent | undefined {
  const notice = noticeOf(type, data.object);
  return notice === undefined
    ? undefined
    : { eventId: id, type, notice: parseInput(providerNoticeSchema, notice) };
}

function noticeOf(type: string, object: unknown): ProviderNotice | undefined {
  switch (type) {
    case 'payment_intent.succeeded': {
      const intent = parseInput(paymentIntentSchema, object);
      const orderId = orderIdOf(intent);
      if (orderId === undefined) return undefined;
      const { id: paymentId, currency } = intent;
      return { kind: 'paid', paymentId, orderId, ...moneyOf(intent.amount_received, currency) };
    }
    case 'charge.refunded': {
      const charge = parseInput(chargeSchema, object);
      const orderId = orderIdOf(charge);
      const { payment_intent: paymentId, currency } = charge;
      if (orderId === undefined || typeof paymentId !== 'string' || !charge.refunded) return undefined;
      return { kind: 'refunded', paymentId, orderId, ...moneyOf(charge.amount_refunded, currency) };
    }
    case 'refund.failed': {
      const refund = parseInput(refundSchema, object);
      const orderId = orderIdOf(refund);
      if (orderId === undefined || typeof refund.payment_intent !== 'string') return undefined;
      return { kind: 'refundFailed', paymentId: refund.payment_intent, orderId };
    }
    default:
      return undefined;
  }
}

function orderIdOf({ metadata }: { readonly metadata?: z.infer<typeof metadataSchema> }): string | undefined {
  const parsed = orderIdSchema.safeParse(metadata?.order_id);
  return parsed.success ? parsed.data : undefined;
}

function moneyOf(amount: number, currency: string) {
  const amountMinor = fromStripeAmount(amount, currency);
  if (amountMinor === undefined) throw new ProblemError('invalid-request', 'The amount is not whole.');
  return { amountMinor, currency };
}
