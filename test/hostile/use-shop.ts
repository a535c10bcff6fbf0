import { startRedis, type RedisServer } from '@flux/testing';
import { Shop } from '../../apps/gateway/test/world';

interface OwnShop extends Shop {
  readonly redisUrl: string;
}

/** A Redis of the describe's own and a shop on it, for gateways that run as processes. */
export function useShop(): { readonly shop: () => OwnShop } {
  let redis: RedisServer;
  let shop: OwnShop;
  beforeAll(async () => {
    redis = await startRedis();
    shop = Object.assign(new Shop(redis.url), { redisUrl: redis.url });
    // Before the first sale a gateway is not ready.
    await shop.open();
  });
  afterAll(async () => {
    shop.close();
    await redis.remove();
  });
  return { shop: () => shop };
}
