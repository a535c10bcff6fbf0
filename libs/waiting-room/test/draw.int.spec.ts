import { ListHash, rankOf } from '../src';
import { TestRoom, useRoomWorld } from './room.world';

const world = useRoomWorld();
const SEED = '7e'.repeat(32);

async function lobby(shoppers: readonly string[]): Promise<TestRoom> {
  const room = await TestRoom.open(world.rooms, {
    opensAtMs: Date.now() + 60_000,
    lobbyOpensAtMs: Date.now() - 1_000,
  });
  for (const shopper of shoppers) await room.join(shopper);
  return room;
}

/** The admin process's part, as if the sale had opened. */
async function draw(room: TestRoom): Promise<readonly string[]> {
  const tickets = await world.rooms.lobby(room.config.saleId, room.config.opensAtMs);
  const hash = new ListHash();
  hash.add(tickets);
  const key = { seed: SEED, beacon: '', listHash: hash.digest() };
  await world.rooms.keepDrawn(room.config.saleId, tickets);
  await world.rooms.rank(
    room.config.saleId,
    tickets.map((ticketId) => [ticketId, rankOf(key, ticketId)] as const),
  );
  const result = { ...key, tickets: tickets.length };
  const opensAtMs = Date.now() - 1;
  const commitment = '0'.repeat(64);
  await world.rooms.publish({ ...room.config, version: 2, opensAtMs, draw: { commitment, result } }, true);
  return [...tickets].sort((a, b) => rankOf(key, a) - rankOf(key, b));
}

it('the lobby is called in the order of its ranks, and before whoever joins later', async () => {
  const shoppers = Array.from({ length: 50 }, (_, index) => `shopper-${index}`);
  const room = await lobby(shoppers);
  expect(await room.tick()).toMatchObject({ called: 0, waiting: 50 });
  const order = await draw(room);
  expect(order).not.toEqual(shoppers.map((shopper) => room.id(shopper)));
  expect(await room.join('late')).toMatchObject({ ahead: 50 });
  expect(await world.redis.client.zrange(room.keys.line, '0', '-1')).toEqual([...order, room.id('late')]);
  await room.tick();
  const called = await world.redis.client.zrange(room.keys.called, '0', '-1');
  expect(called.length).toBeGreaterThan(0);
  expect(called).toEqual(order.slice(0, called.length));
});

it('the list is kept as it was drawn, also of those who have left', async () => {
  const room = await lobby(['ann', 'bob', 'cid']);
  await draw(room);
  await room.leave('bob');
  const pages = [];
  for await (const page of world.rooms.drawnTickets(room.config.saleId)) pages.push(...page);
  expect(pages).toEqual(['ann', 'bob', 'cid'].map((shopper) => room.id(shopper)).sort());
});

it('nobody is called before the draw, though the sale has opened', async () => {
  const room = await lobby(['ann']);
  await world.rooms.publish({ ...room.config, version: 2, opensAtMs: Date.now() - 1 }, true);
  expect(await room.tick()).toMatchObject({ called: 0, waiting: 1, state: 'on' });
});
