import { setTimeout as pause } from 'node:timers/promises';
import type { ItemRef, QueueAnswer } from '@flux/contracts';
import { waitUntil } from '@flux/testing';
import { EventReader } from './event-reader';
import { join, look, passOf, visit, waitForTurn } from './queue.world';
import { buy, codeOf, startGateway, useWorld } from './world';

const KEYS = {
  FLUX_TOKEN_KEYS: 'k2:another-secret-of-thirty-two-bytes,k1:a-secret-of-thirty-two-bytes-or-more',
};
const world = useWorld(KEYS);

async function guardedItem(
  options: Parameters<typeof world.shop.putRoom>[1] = {},
  sale: Parameters<typeof world.shop.open>[0] = {},
): Promise<ItemRef> {
  const item = await world.shop.open(sale);
  await world.shop.putRoom(item, options);
  return item;
}

describe('the line', () => {
  it('S15: gives one place for each shopper: 201, then 200 with the same', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const [ann, bob] = [await join(world.gateway, item, 'ann'), await join(world.gateway, item, 'bob')];
    expect([ann.status, ann.answer.place, ann.answer.ahead]).toEqual([201, 1, 0]);
    expect([bob.status, bob.answer.place]).toEqual([201, 2]);
    const again = await join(world.gateway, item, 'ann');
    expect([again.status, again.answer.place, again.answer.joinedAt]).toEqual([200, 1, ann.answer.joinedAt]);
    expect(again.answer.ticketId).toBe(ann.answer.ticketId);
    expect(ann.answer.halted).toBe('closed');
  });

  it("S14, S15: gives nobody another shopper's place for their ticket", async () => {
    const item = await guardedItem({ mode: 'closed' });
    const ann = await join(world.gateway, item, 'ann');
    const bob = await join(world.gateway, item, 'bob');
    for (const shopper of ['bob', 'eve']) {
      const { answer } = await join(world.gateway, item, shopper, ann.answer.ticket);
      expect(answer.place).toBe(shopper === 'bob' ? 2 : 3);
      expect(answer.ticketId).not.toBe(ann.answer.ticketId);
    }
    expect((await look(world.gateway, item, bob.answer.ticket ?? '')).answer.place).toBe(2);
  });

  it('S13: answers looks with 202 and when to come again, and refuses those that come sooner', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const { answer } = await join(world.gateway, item, 'ann');
    const ticket = answer.ticket ?? '';
    const first = await look(world.gateway, item, ticket);
    expect(first.status).toBe(202);
    expect(first.answer).toMatchObject({ status: 'waiting', place: 1, likelihood: 'likely' });
    expect(first.answer.askAgainMs).toBeGreaterThanOrEqual(700);
    expect(first.answer.ticket).toBeUndefined();
    expect(first.headers.get('retry-after')).toBe('1');
    const sooner = await visit(world.gateway, 'GET', { saleId: item.saleId, ticket });
    expect([sooner.status, await codeOf(sooner)]).toEqual([429, 'rate-limited']);
    await waitUntil('it may look again', async () => {
      return (await visit(world.gateway, 'GET', { saleId: item.saleId, ticket })).status === 202;
    });
  });

  it('takes the ticket from the cookie that joining sets', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const { headers } = await join(world.gateway, item, 'ann');
    const cookie = headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(new RegExp(`^flux-ticket-${item.saleId}=[^;]+; Path=/; HttpOnly; SameSite=Lax$`));
    const [pair = ''] = cookie.split(';');
    const answer = await visit(world.gateway, 'GET', {
      saleId: item.saleId,
      headers: { cookie: `theme=dark; ${pair}` },
    });
    expect(answer.status).toBe(202);
  });

  it('is left by DELETE, and the next one moves up', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const ann = await join(world.gateway, item, 'ann');
    const bob = await join(world.gateway, item, 'bob');
    const left = await visit(world.gateway, 'DELETE', {
      saleId: item.saleId,
      ticket: ann.answer.ticket ?? '',
    });
    expect(left.status).toBe(204);
    expect((await look(world.gateway, item, bob.answer.ticket ?? '')).answer.place).toBe(1);
  });

  it('frees the place inside at once when its shopper has bought or left', async () => {
    const item = await guardedItem({ maxInside: 1 });
    const pass = await passOf(world.gateway, item, 'ann');
    const bob = await join(world.gateway, item, 'bob');
    await pause(300);
    expect((await look(world.gateway, item, bob.answer.ticket ?? '')).answer.status).toBe('waiting');
    expect(
      (await buy(world.gateway, { body: item, shopper: 'ann', headers: { 'x-pass': pass } })).status,
    ).toBe(202);
    const turn = await waitForTurn(world.gateway, item, 'bob');
    expect(turn.status).toBe('turn');
    const cid = join(world.gateway, item, 'cid');
    await visit(world.gateway, 'DELETE', { saleId: item.saleId, ticket: turn.ticket ?? '' });
    await cid;
    expect((await waitForTurn(world.gateway, item, 'cid')).status).toBe('turn');
  });

  it('knows the stock: nobody is called for a unit that is not there', async () => {
    const item = await guardedItem({}, { stock: 1 });
    const pass = await passOf(world.gateway, item, 'ann');
    const bob = await join(world.gateway, item, 'bob');
    expect(bob.answer.likelihood).toBe('unlikely');
    await buy(world.gateway, { body: item, shopper: 'ann', headers: { 'x-pass': pass } });
    await pause(500);
    const { answer } = await look(world.gateway, item, bob.answer.ticket ?? '');
    expect(answer).toMatchObject({ status: 'waiting', likelihood: 'unlikely' });
  });

  it('gives a returned unit to its front, and to nobody without a pass', async () => {
    const item = await guardedItem({}, { stock: 1 });
    const pass = await passOf(world.gateway, item, 'ann');
    await buy(world.gateway, { body: item, shopper: 'ann', headers: { 'x-pass': pass } });
    const waiting = waitForTurn(world.gateway, item, 'bob');
    await pause(300);
    await world.shop.gate.adjust({ ...item, epoch: 1, changeId: 'returned', delta: 1 });
    const stranger = await buy(world.gateway, { body: item, shopper: 'eve' });
    expect(await codeOf(stranger)).toBe('waiting-room');
    const turn = await waiting;
    const bought = await buy(world.gateway, {
      body: item,
      shopper: 'bob',
      headers: { 'x-pass': turn.pass ?? '' },
    });
    expect(bought.status).toBe(202);
  });

  it('ends at once when nothing is left that could come back', async () => {
    const item = await guardedItem({}, { stock: 1 });
    const pass = await passOf(world.gateway, item, 'ann');
    const bought = await buy(world.gateway, { body: item, shopper: 'ann', headers: { 'x-pass': pass } });
    const { orderId } = (await bought.json()) as { readonly orderId: string };
    const waiting = waitForTurn(world.gateway, item, 'bob');
    await world.shop.settle(item, { watermark: 1, watermarkOrderId: orderId });
    const { version } = (await world.shop.gate.readItem(item)) ?? { version: 0 };
    expect(await world.shop.gate.exhaust({ ...item, epoch: 1, version, sequence: 1 })).toEqual({
      outcome: 'done',
    });
    expect(await waiting).toMatchObject({ status: 'soldOut', likelihood: 'soldOut' });
    await waitUntil('strangers are told that it is sold out', async () => {
      return (await codeOf(await buy(world.gateway, { body: item }))) === 'sold-out';
    });
  });

  it('is not needed where the room is off', async () => {
    const item = await guardedItem({ mode: 'off' });
    expect(await join(world.gateway, item, 'ann')).toMatchObject({ status: 200, answer: { status: 'open' } });
  });

  it('opens with the sale, and closes with it', async () => {
    const early = await guardedItem({}, { opensInMs: 60_000 });
    const tooEarly = await visit(world.gateway, 'POST', { saleId: early.saleId, shopper: 'ann' });
    expect([tooEarly.status, await codeOf(tooEarly)]).toEqual([409, 'sale-not-open']);
    expect(Number(tooEarly.headers.get('retry-after'))).toBeGreaterThan(50);
    const over = await guardedItem({}, { closesInMs: -1_000 });
    const tooLate = await visit(world.gateway, 'POST', { saleId: over.saleId, shopper: 'ann' });
    expect([tooLate.status, await codeOf(tooLate)]).toEqual([409, 'sale-closed']);
    const unknown = await visit(world.gateway, 'POST', { saleId: 'no-such-sale', shopper: 'ann' });
    expect([unknown.status, await codeOf(unknown)]).toEqual([404, 'unknown-sale']);
    const body = await fetch(`${world.gateway.base}/v1/sales/${over.saleId}/queue`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shopper-id': 'ann' },
      body: JSON.stringify({ place: 1 }),
    });
    expect([body.status, await codeOf(body)]).toEqual([400, 'invalid-request']);
  });

  it('streams places, tells at once when the room opens, and ends with the turn', async () => {
    // By itself a stream would look again after 42 s at the soonest.
    const item = await guardedItem({ mode: 'closed', longestPollMs: 60_000 });
    const { answer } = await join(world.gateway, item, 'ann');
    const reader = await EventReader.open(`${world.gateway.base}${answer.eventsUrl ?? ''}`);
    await waitUntil('a place is told', () => reader.events.length > 0);
    expect(reader.events[0]).toMatchObject({ type: 'place', data: { status: 'waiting', place: 1 } });
    await world.shop.putRoom(item, { version: 2, longestPollMs: 60_000 });
    await waitUntil('the stream has ended', () => reader.over);
    expect(reader.events.at(-1)?.data).toMatchObject({ status: 'turn' });
    expect(
      (await EventReader.open(`${world.gateway.base}/v1/sales/${item.saleId}/queue/events?ticket=x`)).status,
    ).toBe(403);
  });
});

describe('keys of tickets and passes', () => {
  it('rotate in mid-sale: none is refused, and a look gives a ticket of the new key', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const old = await startGateway(world.redis.url, {
      FLUX_TOKEN_KEYS: 'k1:a-secret-of-thirty-two-bytes-or-more',
    });
    const { answer } = await join(old, item, 'ann');
    const first = await look(world.gateway, item, answer.ticket ?? '');
    expect(first.answer.ticket).toBeDefined();
    const retired = await startGateway(world.redis.url, {
      FLUX_TOKEN_KEYS: 'k2:another-secret-of-thirty-two-bytes',
    });
    expect((await look(retired, item, first.answer.ticket ?? '')).status).toBe(202);
    const stale = await visit(retired, 'GET', { saleId: item.saleId, ticket: answer.ticket ?? '' });
    expect([stale.status, await codeOf(stale)]).toEqual([403, 'ticket-invalid']);
    await Promise.all([old.close(), retired.close()]);
  });
});

describe('a Redis that lost everything', () => {
  it('lets the line form again from the tickets, in the order of their joining, and the passes stay the same', async () => {
    const item = await guardedItem({ mode: 'closed' });
    const joined = [];
    for (const shopper of ['ann', 'bob', 'cid']) joined.push(await join(world.gateway, item, shopper));
    const tickets = joined.map(({ answer }) => answer.ticket ?? '');
    await world.redis.client.del(
      ...(await world.redis.client.keys(`{room:${item.saleId}}:*`)).filter((key) => !key.endsWith(':config')),
    );
    await world.shop.putRoom(item, { version: 2, mode: 'on' });
    await waitUntil('one can join again', async () => {
      const answer = await visit(world.gateway, 'POST', { saleId: item.saleId, shopper: 'dan' });
      return answer.ok && ((await answer.json()) as QueueAnswer).halted === 'recovering';
    });
    for (const ticket of [...tickets].reverse()) {
      await waitUntil('the ticket is taken', async () => {
        return (await visit(world.gateway, 'GET', { saleId: item.saleId, ticket })).status === 202;
      });
    }
    const line = await world.redis.client.zrange(`{room:${item.saleId}}:line`, '0', '-1');
    expect(line.slice(0, 3)).toEqual(joined.map(({ answer }) => answer.ticketId));
    expect(line).toHaveLength(4);
  });
});
