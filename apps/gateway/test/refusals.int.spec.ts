import { randomUUID } from 'node:crypto';
import { Refusals } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { buy, codeOf, randomId, startGateway, useWorld, type Purchase } from './world';

describe('counts of refusals', () => {
  const world = useWorld();

  const counted = (saleId: string) => new Refusals(world.shop.connection).read(saleId);

  const codesOf = async (purchases: readonly Purchase[], gateway = world.gateway): Promise<unknown[]> => {
    const codes: unknown[] = [];
    for (const purchase of purchases) codes.push(await codeOf(await buy(gateway, purchase)));
    return codes;
  };

  it('are added up by sale and code, whoever refused: the gate or the shield', async () => {
    const item = await world.shop.open({ stock: 2, perShopperLimit: 1 });
    const buyer = { body: item, shopper: randomId('shopper'), key: randomUUID() };
    await buy(world.gateway, buyer);
    const other = { ...buyer, body: { ...item, quantity: 2 } };
    const again = { ...buyer, key: randomUUID() };
    expect(await codesOf([other, again])).toEqual(['idempotency-key-reused', 'shopper-limit']);
    await buy(world.gateway, { body: item });
    const soldOut = Array.from({ length: 50 }, () => ({ body: { productId: item.productId } }));
    expect(new Set(await codesOf(soldOut))).toEqual(new Set(['sold-out']));
    const { text } = await world.gateway.metrics.render();
    expect(Number(/outcome="soldOutLocally".*\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    await world.shop.gate.close(item);
    const closed = await codesOf(Array.from({ length: 5 }, () => ({ body: item })));
    const expected = {
      'idempotency-key-reused': 1,
      'shopper-limit': 1,
      'sold-out': 50 + closed.filter((code) => code === 'sold-out').length,
      'sale-closed': closed.filter((code) => code === 'sale-closed').length,
    };
    expect(expected['sale-closed']).toBeGreaterThan(0);
    await waitUntil('all are added', async () => {
      const { 'sale-closed': last } = await counted(item.saleId);
      return last === expected['sale-closed'];
    });
    expect(await counted(item.saleId)).toEqual(expected);
  });

  it('are added when the gateway ends', async () => {
    const gateway = await startGateway(world.redis.url);
    const item = await world.shop.open({ stock: 0 });
    await codesOf([{ body: item }, { body: item }, { body: item }], gateway);
    await gateway.close();
    expect(await counted(item.saleId)).toEqual({ 'sold-out': 3 });
  });

  it('are kept of no sale that a caller made up, and of none that has left Redis', async () => {
    const gateway = await startGateway(world.redis.url);
    const item = await world.shop.open();
    const retired = await world.shop.open({ state: 'retired' });
    await codesOf(
      [
        { body: { ...item, saleId: randomId('made-up') } },
        { body: { productId: randomId('made-up') } },
        { body: { productId: item.productId, saleId: retired.saleId } },
        { body: retired },
        { body: { productId: retired.productId } },
      ],
      gateway,
    );
    await gateway.close();
    const keys = await world.redis.client.keys('refusals:*');
    expect(keys.filter((key) => key.includes('made-up'))).toEqual([]);
    expect(keys).not.toContain(`refusals:${retired.saleId}`);
    expect(keys).not.toContain(`refusals:${item.saleId}`);
  });

  it('count a scheduled sale under its own name', async () => {
    const gateway = await startGateway(world.redis.url);
    const item = await world.shop.open({ state: 'scheduled', opensInMs: 60_000 });
    expect(await codesOf([{ body: item }, { body: { productId: item.productId } }], gateway)).toEqual([
      'sale-not-open',
      'sale-not-open',
    ]);
    await gateway.close();
    expect(await counted(item.saleId)).toEqual({ 'sale-not-open': 2 });
  });
});
