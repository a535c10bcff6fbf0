import { ProblemError } from '@flux/contracts';
import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import {
  type PayableOrder,
  PaymentProvider,
  type RefundResult,
  type StartedPayment,
} from '../payment-provider';
import { PAYMENT_CONFIG, type PaymentConfig } from '../payment-settings';
import { toStripeAmount } from './stripe-amount';

/** Far above Stripe's usual second; the shop's backend waits meanwhile. */
const TIMEOUT_MS = 10_000;

/** Stripe's payment intents. The shopper pays in the browser with the client secret; webhooks tell of it. */
@Injectable()
export class StripeProvider extends PaymentProvider {
  readonly name = 'stripe';
  private readonly stripe: Stripe;

  constructor(@Inject(PAYMENT_CONFIG) config: PaymentConfig) {
    super();
    const { protocol, hostname, port } = new URL(config.FLUX_STRIPE_API_URL);
    const https = protocol === 'https:';
    this.stripe = new Stripe(config.FLUX_STRIPE_SECRET_KEY, {
      protocol: https ? 'https' : 'http',
      host: hostname,
      port: port === '' ? (https ? 443 : 80) : port,
      timeout: TIMEOUT_MS,
      maxNetworkRetries: 1,
      telemetry: false,
      ...(config.FLUX_STRIPE_ACCOUNT === '' ? {} : { stripeAccount: config.FLUX_STRIPE_ACCOUNT }),
    });
  }

  async start({ orderId, amountMinor, currency }: PayableOrder): Promise<StartedPayment> {
    const amount = toStripeAmount(amountMinor, currency);
    if (amount === undefined) throw notTaken();
    try {
      const intent = await this.stripe.paymentIntents.create(
        {
          amount,
          currency: currency.toLowerCase(),
          metadata: { order_id: orderId },
          automatic_payment_methods: { enabled: true },
        },
        // Stripe forgets it after a day or more; a second intent then only risks a payment that is refunded.
        { idempotencyKey: orderId },
      );
      const { id: paymentId, client_secret: clientSecret } = intent;
      return { paymentId, ...(clientSecret === null ? {} : { clientSecret }) };
    } catch (error) {
      throw startFailure(error);
    }
  }

  async refund({ paymentId, orderId }: Parameters<PaymentProvider['refund']>[0]): Promise<RefundResult> {
    try {
      // First what there is: a key is forgotten some day, and a refund that failed would be answered as it began.
      const { data } = await this.stripe.refunds.list({ payment_intent: paymentId, limit: 100 });
      const earlier = data.find(({ metadata }) => metadata?.['order_id'] === orderId);
      const refund =
        earlier ??
        (await this.stripe.refunds.create(
          { payment_intent: paymentId, metadata: { order_id: orderId } },
          { idempotencyKey: `refund:${paymentId}` },
        ));
      return refund.status === 'failed' || refund.status === 'canceled' ? 'failed' : 'returned';
    } catch (error) {
      if (error instanceof Stripe.errors.StripeError && error.code === 'charge_already_refunded')
        return 'returned';
      throw described(error);
    }
  }
}

function startFailure(error: unknown): Error {
  if (error instanceof Stripe.errors.StripeError) {
    const { StripeConnectionError, StripeAPIError, StripeRateLimitError } = Stripe.errors;
    if ([StripeConnectionError, StripeAPIError, StripeRateLimitError].some((kind) => error instanceof kind)) {
      return new ProblemError('temporarily-unavailable', 'Stripe does not answer; try again.');
    }
    if (/^amount_too_(small|large)$/.test(error.code ?? '')) return notTaken();
    // Two requests for one order at once.
    if (error.code === 'idempotency_key_in_use') {
      return new ProblemError('temporarily-unavailable', 'The payment is being started; try again.');
    }
  }
  return described(error);
}

function notTaken(): ProblemError {
  return new ProblemError('invalid-request', 'Stripe does not take an amount of this size.');
}

/** Names a failure for the log, without what Stripe repeats of the request. */
function described(error: unknown): Error {
  if (!(error instanceof Stripe.errors.StripeError))
    return error instanceof Error ? error : new Error(String(error));
  const { type, code = 'no code', requestId = 'no request' } = error;
  return new Error(`Stripe refused: ${type}, ${code}, ${requestId}`);
}
