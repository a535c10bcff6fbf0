import { randomUUID } from 'node:crypto';
import { startRedis, type RedisServer } from '@flux/testing';
import { Shop, buy, closeGateways, randomId, startGateway, type TestGateway } from './world';

describe('one key over several gateways', () => {
  let redis: RedisServer;
  let shop: Shop;
  let gateways: readonly TestGateway[];

  beforeAll(async () => {
    redis = await startRedis();
    shop = new Shop(redis.url);
    gateways = await Promise.all([startGateway(redis.url), startGateway(redis.url)]);
  });

  afterAll(async () => {
    await closeGateways();
    shop.close();
    await redis.remove();
  });

  it('makes one order and 200 equal answers of 200 parallel requests', async () => {
    const item = await shop.open({ stock: 100 });
    const purchase = { body: { productId: item.productId }, shopper: randomId('shopper'), key: randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => buy(gateways[index % 2]!, purchase)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect((await shop.gate.readItem(item))?.available).toBe(99);
  });

  it('sells out exactly, and gives every buyer the same 202 again on a gateway that never saw them', async () => {
    const item = await shop.open({ stock: 50 });
    const body = { productId: item.productId };
    const attempts = Array.from({ length: 300 }, () => ({
      body,
      shopper: randomId('shopper'),
      key: randomUUID(),
    }));
    const answers = await Promise.all(attempts.map((attempt, index) => buy(gateways[index % 2]!, attempt)));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    const accepted = attempts
      .map((attempt, index) => ({ attempt, text: texts[index]!, answer: answers[index]! }))
      .filter(({ answer }) => answer.status === 202);
    expect(accepted).toHaveLength(50);
    expect(answers.map(({ status }) => status).filter((status) => status !== 202)).toEqual(
      Array<number>(250).fill(409),
    );

    const fresh = await startGateway(redis.url);
    // It learns first that the item is sold out, and refuses strangers by itself from then on.
    for (const gateway of [fresh, ...gateways]) {
      expect((await buy(gateway, { body })).status).toBe(409);
      for (const { attempt, text, answer } of accepted) {
        const replay = await buy(gateway, attempt);
        expect(replay.status).toBe(202);
        expect(replay.headers.get('idempotency-replayed')).toBe('true');
        expect(replay.headers.get('location')).toBe(answer.headers.get('location'));
        expect(await replay.text()).toBe(text);
      }
    }
    expect((await shop.gate.readItem(item))?.sequence).toBe(50);
  });
});
