import { hash } from 'node:crypto';

/**
 * One request to buy.
 *
 * @typedef {{ saleId: string, productId: string, shopperId: string, idempotencyKey: string, quantity: number }} Attempt
 */

// Of all retries: sent while the first answer is still awaited.
const CONCURRENT_SHARE = 0.3;
// Of all retries: of keys that come early enough to get a unit. Chance alone would hardly ever repeat an accepted one.
const EARLY_SHARE = 0.35;

/**
 * Who tries what, in which order: the same for the same seed. Three quarters are purchases, spread over all shoppers,
 * some of whom try twice; a quarter repeat a key, of accepted as well as of refused purchases, at once or later.
 *
 * @param {{ saleId: string, productId: string, seed: number, attempts: number, shoppers: number, units: number }} options
 * @returns {Attempt[]}
 */
export function planAttempts({ saleId, productId, seed, attempts, shoppers, units }) {
  const random = generator(seed);
  const retries = Math.floor(attempts / 4);
  const purchases = attempts - retries;

  // Every shopper once, then shoppers by chance; shuffled, since the first come are those who get something.
  const buyers = Array.from({ length: purchases }, (_, index) =>
    index < shoppers ? index : Math.floor(random() * shoppers),
  );
  shuffle(buyers, random);
  const planned = buyers.map((shopper, index) => ({
    at: index,
    attempt: {
      saleId,
      productId,
      shopperId: `shopper-${String(shopper + 1).padStart(5, '0')}`,
      idempotencyKey: hash('sha256', `${seed}:${index}`, 'base64url').slice(0, 22),
      quantity: 1,
    },
  }));

  const early = Math.min(units, purchases);
  for (let retry = 0; retry < retries; retry++) {
    const among = random() < EARLY_SHARE ? early : purchases;
    const first = Math.floor(random() * among);
    const later = first + (purchases - first) * random();
    const at = random() < CONCURRENT_SHARE ? first + 0.5 : later;
    planned.push({ at, attempt: planned[first].attempt });
  }
  return planned.sort((one, other) => one.at - other.at).map(({ attempt }) => attempt);
}

/**
 * @template Item
 * @param {Item[]} items
 * @param {() => number} random
 */
function shuffle(items, random) {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
}

/**
 * Numbers from 0 to 1 that look like chance and are the same for the same seed (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
