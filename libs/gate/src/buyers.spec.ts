import { Buyers } from './buyers';

it('tells names apart that differ in little', async () => {
  const inside = Array.from({ length: 50_000 }, (_, index) => `shopper-${String(index).padStart(10, '0')}`);
  const buyers = await Buyers.of(inside);
  const outside = inside.flatMap((name) => [
    `${name}0`,
    name.toUpperCase(),
    Array.from(name).reverse().join(''),
  ]);
  expect(outside.filter((name) => buyers.has(name))).toEqual([]);
});

it('has everyone it was made of, and nobody else', async () => {
  const inside = Array.from({ length: 3_000 }, (_, index) => `buyer-${index}`);
  const buyers = await Buyers.of(inside);
  expect(inside.every((shopper) => buyers.has(shopper))).toBe(true);
  expect(inside.some((shopper) => buyers.has(`${shopper}x`))).toBe(false);
  expect(buyers.size).toBe(3_000);
  expect((await Buyers.of([])).has('buyer-1')).toBe(false);
});
