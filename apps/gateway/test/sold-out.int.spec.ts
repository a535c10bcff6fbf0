import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { waitUntil } from '@flux/testing';
import { buy, callsOf, codeOf, randomId, startGateway, useWorld } from './world';

describe('the sold-out shield', () => {
  const world = useWorld();

  async function refusedLocally(): Promise<number> {
    const { text } = await world.gateway.metrics.render();
    return Number(/outcome="soldOutLocally".*\} (\d+)/.exec(text)?.[1] ?? 0);
  }

  async function isRefusedLocally(item: ItemRef): Promise<boolean> {
    const before = await refusedLocally();
    const answer = await buy(world.gateway, { body: { productId: item.productId } });
    expect(await codeOf(answer)).toBe('sold-out');
    return (await refusedLocally()) > before;
  }

  async function soldOutItem() {
    const item = await world.shop.open({ stock: 1 });
    const buyer = { body: { productId: item.productId }, shopper: randomId('buyer'), key: randomUUID() };
    const bytes = await (await buy(world.gateway, buyer)).text();
    await waitUntil('strangers are refused locally', () => isRefusedLocally(item));
    return { item, buyer, bytes };
  }

  it('refuses strangers without a call to Redis but one in a while to renew the answer', async () => {
    const { item } = await soldOutItem();
    await world.redis.client.config('RESETSTAT');
    const startedAtMs = performance.now();
    const before = await refusedLocally();
    for (let round = 0; round < 300; round += 1) {
      expect((await buy(world.gateway, { body: { productId: item.productId } })).status).toBe(409);
    }
    const tookMs = performance.now() - startedAtMs;
    expect((await refusedLocally()) - before).toBeGreaterThan(200);
    // At worst one call in 25 ms, and one where the machine was slower than the answer's life.
    expect(await callsOf(world.redis, 'evalsha')).toBeLessThanOrEqual(tookMs / 25 + 10);
  });

  it('refuses a named sale too, and answers the same problem as the gate', async () => {
    const { item } = await soldOutItem();
    const answer = await buy(world.gateway, { body: item });
    expect(answer.status).toBe(409);
    expect(answer.headers.get('cache-control')).toBe('private, max-age=1');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(answer)).toBe('sold-out');
  });

  it('never refuses a former buyer', async () => {
    const { item, buyer, bytes } = await soldOutItem();
    for (let round = 0; round < 20; round += 1) {
      await waitUntil('strangers are refused locally', () => isRefusedLocally(item));
      const replay = await buy(world.gateway, buyer);
      expect(replay.status).toBe(202);
      expect(await replay.text()).toBe(bytes);
      expect(await codeOf(await buy(world.gateway, { ...buyer, body: { ...buyer.body, quantity: 2 } }))).toBe(
        'idempotency-key-reused',
      );
    }
  });

  it('never refuses a buyer of another gateway, whose purchase this one never saw', async () => {
    const other = await startGateway(world.redis.url);
    const item = await world.shop.open({ stock: 1 });
    const buyer = { body: { productId: item.productId }, shopper: randomId('buyer'), key: randomUUID() };
    const bytes = await (await buy(other, buyer)).text();
    await waitUntil('strangers are refused locally', () => isRefusedLocally(item));
    expect(await (await buy(world.gateway, buyer)).text()).toBe(bytes);
    await other.close();
  });

  it('lets a stranger buy as soon as stock comes back', async () => {
    const { item } = await soldOutItem();
    await world.shop.gate.adjust({ ...item, epoch: 1, changeId: randomUUID(), delta: 1 });
    const startedAtMs = performance.now();
    const stranger = { body: { productId: item.productId }, shopper: randomId('shopper'), key: randomUUID() };
    const answer = await waitUntil(
      'the unit is sold',
      async () => {
        const tried = await buy(world.gateway, stranger);
        return tried.status === 202 && tried;
      },
      { everyMs: 1 },
    );
    expect(answer.status).toBe(202);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    await waitUntil('strangers are refused locally', () => isRefusedLocally(item));
    const replay = await buy(world.gateway, stranger);
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
  });

  it('refuses nobody while the push channel is down', async () => {
    const { item } = await soldOutItem();
    const list = String(await world.redis.client.client('LIST'));
    const push = list.split('\n').filter((line) => line.includes('name=flux-gate-push'));
    expect(push.length).toBeGreaterThan(0);
    // Redis keeps refusing new subscribers: the channel stays down.
    await world.redis.client.call('ACL', 'SETUSER', 'flux-gateway', '-subscribe');
    for (const line of push) await world.redis.client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '');
    await waitUntil('nobody is refused locally', async () => !(await isRefusedLocally(item)));
    for (let round = 0; round < 20; round += 1) expect(await isRefusedLocally(item)).toBe(false);
    await world.redis.client.call('ACL', 'SETUSER', 'flux-gateway', '+subscribe');
    await waitUntil('strangers are refused locally again', () => isRefusedLocally(item));
  });

  it('does not call an item sold out that is only short of the quantity', async () => {
    const item = await world.shop.open({ stock: 1 });
    const before = await refusedLocally();
    for (let round = 0; round < 20; round += 1) {
      expect((await buy(world.gateway, { body: { productId: item.productId, quantity: 2 } })).status).toBe(
        409,
      );
    }
    expect(await refusedLocally()).toBe(before);
    expect((await buy(world.gateway, { body: { productId: item.productId } })).status).toBe(202);
  });
});
