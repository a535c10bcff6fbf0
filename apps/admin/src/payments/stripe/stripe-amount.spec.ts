import { fromStripeAmount, toStripeAmount } from './stripe-amount';

describe('amounts at Stripe', () => {
  it.each([
    ['EUR', 1_999, 1_999],
    ['JPY', 500, 500],
    ['ISK', 500, 50_000],
    ['UGX', 3, 300],
    ['MGA', 1_200, 12],
  ])('%s: %i of ours are %i', (currency, ours, theirs) => {
    expect(toStripeAmount(ours, currency)).toBe(theirs);
    expect(fromStripeAmount(theirs, currency)).toBe(ours);
  });

  it('rounds nothing', () => {
    expect(toStripeAmount(1_201, 'MGA')).toBeUndefined();
    expect(toStripeAmount(Number.MAX_SAFE_INTEGER, 'ISK')).toBeUndefined();
    expect(fromStripeAmount(50_001, 'ISK')).toBeUndefined();
  });
});
