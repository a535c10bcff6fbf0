import { newSaleSchema, stockChangeSchema } from './sale';

const sale = {
  name: 'Drop',
  opensAt: '2026-11-22T10:00:00.000Z',
  closesAt: '2026-11-22T11:00:00+01:00',
  items: [
    { productId: 'p1', name: 'Shoe', priceMinor: 12_900, currency: 'EUR', stock: 500, perShopperLimit: 1 },
  ],
};

describe('a new sale', () => {
  it('closes after it opens, compared as instants and not as texts', () => {
    expect(newSaleSchema.safeParse(sale).success).toBe(false);
    expect(newSaleSchema.safeParse({ ...sale, closesAt: '2026-11-22T11:00:00.001+01:00' }).success).toBe(
      true,
    );
  });

  it('has a product once', () => {
    const twice = { ...sale, closesAt: '2026-11-23T00:00:00Z', items: [...sale.items, ...sale.items] };

    expect(newSaleSchema.safeParse(twice).success).toBe(false);
  });
});

describe('a stock change', () => {
  it.each([0, 0.5, 10_000_001, '1'])('is never by %j', (delta) => {
    expect(stockChangeSchema.safeParse({ delta, reason: 'found a box' }).success).toBe(false);
  });
});
