import { Injectable } from '@nestjs/common';
import {
  type PayableOrder,
  PaymentProvider,
  type RefundResult,
  type StartedPayment,
} from '../payment-provider';

const PREFIX = 'demo_';

/** Takes no money: for trying things out. A payment is named after its order, so that nothing has to be kept. */
@Injectable()
export class DemoProvider extends PaymentProvider {
  readonly name = 'demo';

  start({ orderId }: PayableOrder): Promise<StartedPayment> {
    const paymentId = `${PREFIX}${orderId}`;
    return Promise.resolve({ paymentId, confirmUrl: `/payments/demo/${paymentId}/confirm` });
  }

  refund(): Promise<RefundResult> {
    return Promise.resolve('returned');
  }
}

/** The order that a payment was started for, or undefined where the text does not name one. */
export function orderIdOfDemoPayment(paymentId: string): string | undefined {
  return paymentId.startsWith(PREFIX) ? paymentId.slice(PREFIX.length) : undefined;
}
