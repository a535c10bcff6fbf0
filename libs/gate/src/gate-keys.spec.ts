import { currentKey, itemKeys, saleKey } from './gate-keys';

const keys = itemKeys({ saleId: 'autumn', productId: 'shoe' });

it('puts all keys of an item under one hash tag, in whatever sale', () => {
  for (const key of Object.values(keys) as string[]) expect(key.startsWith('{product:shoe}:')).toBe(true);
});

it('spells each key once', () => {
  const spelled = Object.values(keys) as string[];
  expect(new Set(spelled).size).toBe(spelled.length);
  expect(currentKey('shoe')).toBe(keys.current);
  expect(saleKey('autumn')).toBe('sale:autumn');
});
