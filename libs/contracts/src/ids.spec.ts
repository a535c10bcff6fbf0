import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  digestOfFields,
  fingerprintOf,
  itemName,
  itemOfOrderId,
  orderIdOf,
  orderIdRange,
  saleIdSchema,
  shopperIdSchema,
} from './ids';

const identity = {
  saleId: 'drop-1',
  productId: 'sneaker-42',
  shopperId: 'ann@example.com',
  idempotencyKey: 'k'.repeat(16),
};

describe('order id', () => {
  it('is the item and 22 characters of SHA-256 over the length-prefixed fields', () => {
    const encoded = '6:drop-110:sneaker-4215:ann@example.com16:kkkkkkkkkkkkkkkk';
    const digest = createHash('sha256').update(encoded).digest('base64url').slice(0, 22);

    expect(orderIdOf(identity)).toBe(`drop-1.sneaker-42.${digest}`);
  });

  it('differs where any field differs, also where the fields joined would be the same text', () => {
    const ids = [
      orderIdOf(identity),
      orderIdOf({ ...identity, saleId: 'drop-2' }),
      orderIdOf({ ...identity, productId: 'sneaker-43' }),
      orderIdOf({ ...identity, shopperId: 'ann@example.comk', idempotencyKey: 'k'.repeat(15) }),
      orderIdOf({ ...identity, idempotencyKey: 'l'.repeat(16) }),
    ];

    expect(new Set(ids.map((id) => id.split('.')[2])).size).toBe(ids.length);
  });

  it('leads back to its item', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
    fc.assert(
      fc.property(id, id, (saleId, productId) => {
        expect(itemOfOrderId(orderIdOf({ ...identity, saleId, productId }))).toEqual({ saleId, productId });
      }),
    );
  });

  it.each([
    '',
    'a.b',
    'a.b.short',
    `a.b.${'x'.repeat(23)}`,
    `a{b}.c.${'x'.repeat(22)}`,
    `a.b.c.${'x'.repeat(22)}`,
  ])('is not %j', (text) => {
    expect(itemOfOrderId(text)).toBeUndefined();
  });
});

describe('names and ranges', () => {
  const fields = { productId: 'shoe', shopperId: 'ann', idempotencyKey: '0123456789abcdef' };

  it('an order id begins with the name of its item', () => {
    const item = { saleId: 'drop', productId: 'shoe' };
    expect(itemName(item)).toBe('drop.shoe');
    expect(orderIdOf({ ...item, ...fields }).startsWith(`${itemName(item)}.`)).toBe(true);
  });

  it('the range of a sale has its order ids and no others, in byte order', () => {
    const [begin, end] = orderIdRange('drop').map((text) => Buffer.from(text));
    const isIn = (saleId: string, productId: string): boolean => {
      const id = Buffer.from(orderIdOf({ ...fields, saleId, productId }));
      return id.compare(begin!) > 0 && id.compare(end!) < 0;
    };
    const products = ['-', 'shoe', 'zzz'];
    expect(products.filter((productId) => isIn('drop', productId))).toEqual(products);
    const others = ['drop-', 'drop0', 'drop_', 'dro', 'Drop', 'drop-1', 'dropz'];
    expect(others.filter((saleId) => products.some((productId) => isIn(saleId, productId)))).toEqual([]);
  });
});

describe('ids', () => {
  it.each(['a{b}', 'a:b', 'a.b', '', 'x'.repeat(41), 'ü', 'a\n'])('a sale id is never %j', (text) => {
    expect(saleIdSchema.safeParse(text).success).toBe(false);
  });

  it.each(['a{b}', 'a:b', '', 'x'.repeat(65), 'a b', 'a|b', 'a\r\nb'])('a shopper id is never %j', (text) => {
    expect(shopperIdSchema.safeParse(text).success).toBe(false);
  });
});

describe('fingerprint', () => {
  it('has 11 characters and follows the payload', () => {
    const payload = { saleId: 'drop-1', productId: 'sneaker-42', quantity: 1 };

    expect(fingerprintOf(payload)).toMatch(/^[A-Za-z0-9_-]{11}$/);
    expect(fingerprintOf({ ...payload })).toBe(fingerprintOf(payload));
    expect(fingerprintOf({ ...payload, quantity: 2 })).not.toBe(fingerprintOf(payload));
  });

  it('is the digest of the payload, however many were asked for before', () => {
    for (let round = 0; round < 2_500; round += 1) {
      const payload = { saleId: `drop-${round % 1_300}`, productId: 'shoe', quantity: (round % 10) + 1 };
      const fields = [payload.saleId, payload.productId, String(payload.quantity)];
      expect(fingerprintOf(payload)).toBe(digestOfFields(fields).slice(0, 11));
    }
  });
});
