import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import { parseInput } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { PAYMENT_CONFIG, type PaymentConfig, webhookSecretsOf } from '../payment-settings';
import { type StripeEvent, stripeEventSchema } from './stripe-event';
import { signedEvent } from './stripe-signature';

const events = new WeakMap<FastifyRequest, StripeEvent>();

/** Lets in what Stripe has signed for this shop's account, or ends it in 401. Nothing is stored before. */
@Injectable()
export class StripeSignatureGuard implements CanActivate {
  private readonly secrets: readonly string[];
  private readonly account: string | undefined;

  constructor(@Inject(PAYMENT_CONFIG) config: PaymentConfig) {
    this.secrets = webhookSecretsOf(config);
    this.account = config.FLUX_STRIPE_ACCOUNT === '' ? undefined : config.FLUX_STRIPE_ACCOUNT;
  }

  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { body, headers } = request;
    const header = headers['stripe-signature'];
    const signed =
      Buffer.isBuffer(body) && typeof header === 'string'
        ? signedEvent(body, header, { secrets: this.secrets })
        : undefined;
    if (signed === undefined) refuse();
    const event = parseInput(stripeEventSchema, signed);
    // One secret can stand for an endpoint that hears of every connected account.
    if (event.account !== this.account) refuse();
    events.set(request, event);
    return true;
  }
}

/** The event that came with the request. Only behind the guard. */
export const SignedStripeEvent = createParamDecorator(
  (_: unknown, context: ExecutionContext): StripeEvent => {
    const event = events.get(context.switchToHttp().getRequest<FastifyRequest>());
    if (event === undefined) throw new Error('A route uses @SignedStripeEvent() without the guard.');
    return event;
  },
);

function refuse(): never {
  throw new ProblemError(
    'unauthenticated',
    "This needs Stripe's signature for this account, of the last 5 minutes.",
  );
}
