import { amountMinorSchema, currencySchema, orderIdSchema, paymentIdSchema } from '@flux/contracts';
import { z } from 'zod';

const money = {
  paymentId: paymentIdSchema,
  orderId: orderIdSchema,
  amountMinor: amountMinorSchema,
  currency: currencySchema,
};

/** What an event of a payment provider tells us: nothing of the payer, only what its effect needs. */
export const providerNoticeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('paid'), ...money }),
  /** The whole of it. */
  z.object({ kind: z.literal('refunded'), ...money }),
  /** A refund that the provider had taken upon itself did not come to pass. */
  z.object({ kind: z.literal('refundFailed'), paymentId: paymentIdSchema, orderId: orderIdSchema }),
]);
export type ProviderNotice = z.infer<typeof providerNoticeSchema>;

/** An event as it is stored before it has an effect. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly type: string;
  readonly notice: ProviderNotice;
}
