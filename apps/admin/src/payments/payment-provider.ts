import type { RefundEntity } from '@flux/ledger';

/** What a shopper is to pay. The amount is the server's: price times quantity, as the sale was defined. */
export interface PayableOrder {
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
}

/** A payment that the shopper can now make, with what the shop's page needs for it. */
export interface StartedPayment {
  readonly paymentId: string;
  /** What Stripe's browser library is given. A secret between shop and shopper: never logged, never stored. */
  readonly clientSecret?: string;
  /** Where a POST makes the payment, with the demo provider. */
  readonly confirmUrl?: string;
}

/**
 * `returned`: the provider has taken the refund upon itself. `failed`: it will not come to pass by asking again; a
 * person has to look.
 */
export type RefundResult = 'returned' | 'failed';

/** Whoever takes the money. One implementation is chosen by FLUX_PAYMENTS. */
export abstract class PaymentProvider {
  /** As stored with payments and refunds. */
  abstract readonly name: 'stripe' | 'demo';

  /**
   * Starts the payment of an order; again for the same order it answers the same payment.
   * @throws ProblemError `temporarily-unavailable` while the provider does not answer
   */
  abstract start(order: PayableOrder): Promise<StartedPayment>;

  /**
   * Gives the whole payment back, however often it is called.
   * @throws where the provider does not answer: ask again later
   */
  abstract refund(refund: Pick<RefundEntity, 'paymentId' | 'orderId'>): Promise<RefundResult>;
}
