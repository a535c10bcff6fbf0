interface Ratio {
  readonly theirs: number;
  readonly ours: number;
}

/**
 * Currencies whose amounts Stripe counts in other units than ISO 4217.
 * https://docs.stripe.com/currencies#minor-units
 */
const RATIOS: Readonly<Record<string, Ratio>> = {
  ISK: { theirs: 100, ours: 1 },
  UGX: { theirs: 100, ours: 1 },
  MGA: { theirs: 1, ours: 100 },
};
const SAME: Ratio = { theirs: 1, ours: 1 };

/** Our amount as Stripe's API takes it, or undefined where Stripe has no unit that small. */
export function toStripeAmount(amountMinor: number, currency: string): number | undefined {
  const { theirs, ours } = RATIOS[currency] ?? SAME;
  return whole((amountMinor * theirs) / ours);
}

/** Stripe's amount in our minor units, or undefined where it is none of them. */
export function fromStripeAmount(amount: number, currency: string): number | undefined {
  const { theirs, ours } = RATIOS[currency] ?? SAME;
  return whole((amount * ours) / theirs);
}

function whole(amount: number): number | undefined {
  return Number.isSafeInteger(amount) ? amount : undefined;
}
