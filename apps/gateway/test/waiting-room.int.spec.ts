import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { loadConfig } from '@flux/config';
import { waitUntil } from '@flux/testing';
import { Tokens, tokenSettings } from '@flux/tokens';
import { ticketIdOf, Tickets } from '@flux/waiting-room';
import { passOf, visit, waitForTurn } from './queue.world';
import { buy, codeOf, randomId, startGateway, useWorld } from './world';

const KEYS = { FLUX_TOKEN_KEYS: 'k1:a-secret-of-thirty-two-bytes-or-more' };
const world = useWorld(KEYS);

async function guardedItem(options: Parameters<typeof world.shop.putRoom>[1] = {}): Promise<ItemRef> {
  const item = await world.shop.open({ stock: 100_000 });
  await world.shop.putRoom(item, options);
  return item;
}

async function refusedLocally(): Promise<number> {
  const { text } = await world.gateway.metrics.render();
  return Number(/outcome="waitingRoomLocally".*\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** A genuine pass whose time was over an hour ago. */
function expiredPass({ saleId }: ItemRef, shopper: string): string {
  const { FLUX_TOKEN_KEYS } = loadConfig(tokenSettings, KEYS);
  const ticketId = ticketIdOf('5a'.repeat(32), shopper);
  return new Tickets(new Tokens(FLUX_TOKEN_KEYS)).passText({ saleId, ticketId, place: 1 }, -3_600_000);
}

async function gateCalls(): Promise<number> {
  const { text } = await world.gateway.metrics.render();
  return Number(/reserve_call_seconds_count.* (\d+)/.exec(text)?.[1] ?? 0);
}

/** Until the gateway has read who bought before. */
async function untilLocal(item: ItemRef): Promise<void> {
  await waitUntil('strangers are refused from memory', async () => {
    const before = await refusedLocally();
    expect(await codeOf(await buy(world.gateway, { body: item }))).toBe('waiting-room');
    return (await refusedLocally()) > before;
  });
}

describe('a purchase with the room on', () => {
  it('S9: without a pass is sent to the line, with the addresses of line and page', async () => {
    const item = await guardedItem();
    const answer = await buy(world.gateway, { body: item });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await answer.json()).toMatchObject({
      code: 'waiting-room',
      queueUrl: `/v1/sales/${item.saleId}/queue`,
      pageUrl: `/waiting-room/${item.saleId}/`,
    });
  });

  it('is never accepted, also among the first at a gateway that has just begun to look at the room', async () => {
    const items = await Promise.all(Array.from({ length: 5 }, () => guardedItem()));
    const fresh = await startGateway(world.redis.url, KEYS);
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) => buy(fresh, { body: items[index % items.length] })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
    await fresh.close();
  });

  it('of a browser is led to the page, by the gate as from memory', async () => {
    const item = await guardedItem();
    const browse = () =>
      fetch(`${world.gateway.base}/v1/orders`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          accept: 'text/html,application/xhtml+xml',
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
          'x-shopper-id': randomId('shopper'),
        },
        body: JSON.stringify(item),
      });
    const first = await browse();
    await untilLocal(item);
    for (const answer of [first, await browse()]) {
      expect(answer.status).toBe(302);
      expect(answer.headers.get('location')).toBe(`/waiting-room/${item.saleId}/`);
    }
  });

  it('is refused without a call to Redis once the gateway knows', async () => {
    const item = await guardedItem();
    await untilLocal(item);
    const before = await gateCalls();
    for (let round = 0; round < 300; round += 1) {
      expect((await buy(world.gateway, { body: item })).status).toBe(429);
    }
    expect(await gateCalls()).toBe(before);
  });

  it('counts as an attempt also where it is refused from memory: the crowd at the door keeps the room on', async () => {
    const item = await guardedItem();
    await untilLocal(item);
    const [seconds = 0] = await world.redis.client.time();
    for (let round = 0; round < 20; round += 1) await buy(world.gateway, { body: item });
    await waitUntil('all are counted', async () => {
      const slots = await world.redis.client.hgetall(`{room:${item.saleId}}:attempts`);
      const counted = Object.entries(slots).filter(([slot]) => Number(slot) >= seconds * 10);
      return counted.reduce((sum, [, count]) => sum + Number(count), 0) >= 20;
    });
  });

  it('with a pass is accepted, once for each item', async () => {
    const item = await guardedItem();
    const shopper = randomId('shopper');
    const pass = await passOf(world.gateway, item, shopper);
    const purchase = { body: item, shopper, key: randomUUID(), headers: { 'x-pass': pass } };
    const accepted = await buy(world.gateway, purchase);
    expect(accepted.status).toBe(202);
    const again = await buy(world.gateway, purchase);
    expect(again.status).toBe(202);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.text()).toBe(await accepted.text());
    const other = await buy(world.gateway, { ...purchase, key: randomUUID() });
    expect(other.status).toBe(403);
    expect(await codeOf(other)).toBe('pass-used');
  });

  it('S12: with one pass fifty times at once, over two gateways, is accepted once', async () => {
    const item = await guardedItem();
    const shopper = randomId('shopper');
    const pass = await passOf(world.gateway, item, shopper);
    const second = await startGateway(world.redis.url, KEYS);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        buy(index % 2 === 0 ? world.gateway : second, { body: item, shopper, headers: { 'x-pass': pass } }),
      ),
    );
    const codes = await Promise.all(
      answers.map(async (answer) => (answer.status === 202 ? 'accepted' : codeOf(answer))),
    );
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(codes.filter((code) => code === 'pass-used')).toHaveLength(49);
    await second.close();
  });

  it('S10, S12: gets its 202 again with the room on, whatever became of the pass', async () => {
    const item = await guardedItem();
    const shopper = randomId('shopper');
    const pass = await passOf(world.gateway, item, shopper);
    const key = randomUUID();
    const first = await buy(world.gateway, { body: item, shopper, key, headers: { 'x-pass': pass } });
    expect(first.status).toBe(202);
    const bytes = await first.text();
    await untilLocal(item);
    const expired = expiredPass(item, shopper);
    const stale = await buy(world.gateway, { body: item, shopper, headers: { 'x-pass': expired } });
    expect([stale.status, await codeOf(stale)]).toEqual([403, 'pass-invalid']);
    const replay = await buy(world.gateway, { body: item, shopper, key, headers: { 'x-pass': expired } });
    expect([replay.status, await replay.text()]).toEqual([202, bytes]);
  });

  it('gets its 202 again where it was accepted before the room went on', async () => {
    const item = await world.shop.open();
    const purchase = { body: item, shopper: randomId('shopper'), key: randomUUID() };
    const bytes = await (await buy(world.gateway, purchase)).text();
    await world.shop.putRoom(item);
    await waitUntil('the room is on', async () => (await buy(world.gateway, { body: item })).status === 429);
    await untilLocal(item);
    const replay = await buy(world.gateway, purchase);
    expect([replay.status, await replay.text()]).toEqual([202, bytes]);
    expect(await codeOf(await buy(world.gateway, { ...purchase, key: randomUUID() }))).toBe('waiting-room');
  });

  it('is not let in by a closed room, with or without a pass', async () => {
    const item = await guardedItem();
    const shopper = randomId('shopper');
    const pass = await passOf(world.gateway, item, shopper);
    await world.shop.putRoom(item, { version: 2, mode: 'closed' });
    await waitUntil('the room is closed', async () => {
      const answer = await buy(world.gateway, { body: item, shopper, headers: { 'x-pass': pass } });
      return answer.status === 429;
    });
    expect((await buy(world.gateway, { body: item })).status).toBe(429);
    await world.shop.putRoom(item, { version: 3, mode: 'off' });
    await waitUntil('the room is off', async () => {
      return (await buy(world.gateway, { body: item, shopper })).status === 202;
    });
  });
});

describe('in auto', () => {
  it('the room goes on above the rate over all gateways, and off when the line is empty and calm', async () => {
    const item = await guardedItem({ mode: 'auto', ratePerSecond: 40 });
    const second = await startGateway(world.redis.url, KEYS);
    expect((await buy(world.gateway, { body: item })).status).toBe(202);
    await waitUntil('the room is on', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          buy(index % 2 === 0 ? world.gateway : second, { body: item }),
        ),
      );
      return answers.some(({ status }) => status === 429);
    });
    await waitUntil('everybody queues, at both', async () => {
      const answers = await Promise.all(
        [world.gateway, second].map((gateway) => buy(gateway, { body: item })),
      );
      return answers.every(({ status }) => status === 429);
    });
    await waitForTurn(second, item, randomId('shopper'));
    await waitUntil('the room is off', async () => (await buy(second, { body: item })).status === 202, {
      everyMs: 250,
    });
    await second.close();
  });
});

describe('a pass or a ticket that is not good', () => {
  async function codesOf(
    item: ItemRef,
    shopper: string,
    passes: readonly string[],
  ): Promise<readonly unknown[]> {
    return Promise.all(
      passes.map(async (pass) => {
        const answer = await buy(world.gateway, { body: item, shopper, headers: { 'x-pass': pass } });
        return `${answer.status} ${String(await codeOf(answer))}`;
      }),
    );
  }

  it('S9, S11: forged, cut, of another sale, shopper or purpose: 403, and nothing is bought', async () => {
    const [item, other] = [await guardedItem(), await guardedItem()];
    const [shopper, stranger] = [randomId('shopper'), randomId('shopper')];
    const turn = await waitForTurn(world.gateway, item, shopper);
    const pass = turn.pass ?? '';
    const flipped = Buffer.from(pass, 'base64url');
    flipped.writeUInt8(flipped.readUInt8(8) ^ 1, 8);
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
    const passes = [
      flipped.toString('base64url'),
      pass.slice(0, -1),
      pass.slice(0, 40),
      `${pass}A`,
      `${none}.${Buffer.from(JSON.stringify({ sub: shopper })).toString('base64url')}.`,
      'x'.repeat(4_000),
      turn.ticket ?? '',
      await passOf(world.gateway, other, shopper),
      await passOf(world.gateway, item, stranger),
    ];
    const said = await codesOf(item, shopper, passes);
    expect(said).toEqual(passes.map(() => '403 pass-invalid'));
    await untilLocal(item);
    expect(await codesOf(item, shopper, passes)).toEqual(said);
    expect(await world.redis.client.hlen(`{product:${item.productId}}:${item.saleId}:orders`)).toBe(0);
  });

  it('S11: as a ticket: 403, and none at all: 401', async () => {
    const [item, other] = [await guardedItem(), await guardedItem()];
    const shopper = randomId('shopper');
    const turn = await waitForTurn(world.gateway, item, shopper);
    const foreign = await waitForTurn(world.gateway, other, shopper);
    for (const ticket of [turn.pass ?? '', foreign.ticket ?? '', 'x'.repeat(4_000), 'a.b.c']) {
      const answer = await visit(world.gateway, 'GET', { saleId: item.saleId, ticket });
      expect([answer.status, await codeOf(answer)]).toEqual([403, 'ticket-invalid']);
    }
    const without = await visit(world.gateway, 'GET', { saleId: item.saleId });
    expect([without.status, await codeOf(without)]).toEqual([401, 'unauthenticated']);
  });
});
