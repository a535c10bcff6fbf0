import type { Provider, Type } from '@nestjs/common';
import { DemoPaymentController } from './demo/demo.controller';
import { DemoProvider } from './demo/demo-provider';
import { PaymentMaintenance } from './payment-maintenance.service';
import { PaymentProvider } from './payment-provider';
import { PAYMENT_CONFIG, type PaymentConfig } from './payment-settings';
import { PaymentStart } from './payment-start.service';
import { PaymentMetrics } from './payment.metrics';
import { PaymentsController } from './payments.controller';
import { ProviderEvents } from './provider-events.service';
import { RefundRound } from './refund-round.service';
import { StripeProvider } from './stripe/stripe-provider';
import { StripeSignatureGuard } from './stripe/stripe-signature.guard';
import { StripeWebhookController } from './stripe/stripe-webhook.controller';

export interface PaymentParts {
  readonly controllers: readonly Type[];
  readonly providers: readonly Provider[];
}

/** What the configured payment provider needs. The routes of the others do not exist. */
export function paymentParts(config: PaymentConfig): PaymentParts {
  const always: readonly Provider[] = [PaymentMetrics, ProviderEvents, PaymentMaintenance];
  const withProvider: readonly Provider[] = [
    ...always,
    { provide: PAYMENT_CONFIG, useValue: config },
    PaymentStart,
    RefundRound,
  ];
  switch (config.FLUX_PAYMENTS) {
    case 'none':
      return { controllers: [], providers: always };
    case 'stripe':
      return {
        controllers: [PaymentsController, StripeWebhookController],
        providers: [
          ...withProvider,
          StripeSignatureGuard,
          { provide: PaymentProvider, useClass: StripeProvider },
        ],
      };
    case 'demo':
      return {
        controllers: [PaymentsController, DemoPaymentController],
        providers: [...withProvider, { provide: PaymentProvider, useClass: DemoProvider }],
      };
  }
}
