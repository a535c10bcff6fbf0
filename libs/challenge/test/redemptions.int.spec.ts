import { loadConfig } from '@flux/config';
import { GateUnavailableError, RedisConnection, redisSettings } from '@flux/gate';
import { startRedis, type RedisServer } from '@flux/testing';
import { Redemptions } from '../src/redemptions';

const LIFETIME_MS = 300_000;

describe('the redemption of a challenge', () => {
  let redis: RedisServer;
  let connections: RedisConnection[];
  let one: Redemptions;
  let other: Redemptions;

  beforeAll(async () => {
    redis = await startRedis();
    const config = loadConfig(redisSettings, { REDIS_URL: redis.url });
    connections = [new RedisConnection(config), new RedisConnection(config)];
    await Promise.all(connections.map((connection) => connection.whenReady()));
    [one, other] = connections.map((connection) => new Redemptions(connection)) as [Redemptions, Redemptions];
  });
  afterAll(async () => {
    for (const connection of connections) connection.close();
    await redis.remove();
  });

  it('happens once, of fifty at once over two gateways', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? one : other).redeem('seed-1', `order-${index}`, LIFETIME_MS),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'redeemed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'used')).toHaveLength(49);
  });

  it('may be repeated for the same purpose, on any gateway, and for no other', async () => {
    expect(await one.find('seed-2')).toBeUndefined();
    expect(await one.redeem('seed-2', 'order-1', LIFETIME_MS)).toBe('redeemed');
    expect(await other.redeem('seed-2', 'order-1', LIFETIME_MS)).toBe('again');
    expect(await other.redeem('seed-2', 'order-2', LIFETIME_MS)).toBe('used');
    expect(await other.find('seed-2')).toBe('order-1');
  });

  it('is remembered for as long as the challenge could be, and no longer', async () => {
    await one.redeem('seed-3', 'order-1', 60_000.4);
    const leftMs = await redis.client.pttl('challenge:seed-3');
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(60_001);
    // A repeat does not lengthen it.
    await one.redeem('seed-3', 'order-1', LIFETIME_MS);
    expect(await redis.client.pttl('challenge:seed-3')).toBeLessThanOrEqual(60_001);
  });

  it('says so where Redis cannot be asked', async () => {
    connections[1]?.close();
    await expect(other.redeem('seed-4', 'order-1', LIFETIME_MS)).rejects.toThrow(GateUnavailableError);
  });
});
