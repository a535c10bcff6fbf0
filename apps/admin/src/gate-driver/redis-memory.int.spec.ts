import { connectGate, gateConfig, opening, purchase, randomPassId, startRedis } from '@flux/testing';
import { BYTES_PER_BUYER, memoryOf } from './redis-memory';

jest.setTimeout(60_000);

const BUYERS = 20_000;

/** Ids of the greatest lengths that are allowed. */
const ITEM = { saleId: 's'.repeat(40), productId: 'p'.repeat(40) };
const shopper = (index: number): string => String(index).padStart(64, 'x');

describe('memory of a buyer', () => {
  it('is not more than the constant, with nothing settled, a pass and the longest ids', async () => {
    const redis = await startRedis();
    const { gate, connection } = await connectGate(
      gateConfig(redis.url, { FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000' }),
    );
    try {
      await gate.open(opening(ITEM, { available: BUYERS }));
      const before = memoryOf(await redis.client.info('memory'));
      for (let from = 0; from < BUYERS; from += 1_000) {
        const outcomes = await Promise.all(
          Array.from({ length: 1_000 }, (_, index) =>
            gate.reserve(purchase(ITEM, { shopperId: shopper(from + index), passId: randomPassId() })),
          ),
        );
        expect(outcomes.every(({ outcome }) => outcome === 'accepted')).toBe(true);
      }
      const after = memoryOf(await redis.client.info('memory'));
      const bytes = (after.used - before.used) / BUYERS;
      expect(bytes).toBeLessThan(BYTES_PER_BUYER);
      // Not a guess far off: an opening is not refused for memory that would do.
      expect(bytes).toBeGreaterThan(BYTES_PER_BUYER / 2);
    } finally {
      connection.close();
      await redis.remove();
    }
  });
});
