import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '@flux/testing';
import type { VisitOutcome } from '../src';
import { TestRoom, useRoomWorld } from './room.world';

const world = useRoomWorld();

function placeOf(outcome: VisitOutcome | undefined): number {
  if (outcome?.outcome !== 'waiting') throw new Error(outcome?.outcome);
  return outcome.place;
}

describe('a line', () => {
  it('is first come, first served, and has one place for each shopper', async () => {
    const room = await TestRoom.open(world.rooms, { mode: 'closed' });
    const joined = await Promise.all(['ann', 'bob', 'cid'].map((shopper) => room.join(shopper)));
    expect(joined).toMatchObject([0, 1, 2].map((ahead) => ({ outcome: 'waiting', ahead, isNew: true })));
    const again = await room.join('bob');
    expect(again).toMatchObject({ ahead: 1, isNew: false, place: placeOf(joined[1]) });
    expect(await room.look('cid')).toMatchObject({ outcome: 'waiting', ahead: 2 });
    await room.leave('ann');
    expect(await room.look('cid')).toMatchObject({ ahead: 1 });
  });

  it('calls from the front, and gives the pass at the look', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 2 });
    for (const shopper of ['ann', 'bob']) await room.join(shopper);
    expect(await room.tick()).toMatchObject({ waiting: 1, called: 1, inside: 1 });
    expect(await room.look('ann')).toMatchObject({ outcome: 'turn' });
    expect(await room.look('bob')).toMatchObject({ outcome: 'waiting', ahead: 0 });
    await waitUntil('bob has his turn', async () => {
      await room.tick();
      return (await room.look('bob')).outcome === 'turn';
    });
    expect(await room.look('ann')).toMatchObject({ outcome: 'turn' });
  });

  it('gives somebody inside the same turn however often they ask, also when they join anew', async () => {
    const room = await TestRoom.open(world.rooms);
    const place = placeOf(await room.join('ann'));
    await room.tick();
    const turn = await room.look('ann');
    expect(turn).toMatchObject({ outcome: 'turn', place });
    const again = await room.join('ann');
    expect(again).toMatchObject({ outcome: 'turn', place });
    expect(again).toMatchObject({ goodFromMs: turn.outcome === 'turn' ? turn.goodFromMs : 0 });
  });

  it('gives no pass before its own time, though it was given out ahead', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 8 });
    for (const shopper of ['ann', 'bob']) await room.join(shopper);
    expect(await room.tick()).toMatchObject({ called: 2, waiting: 0 });
    const early = await room.look('bob');
    expect(early).toMatchObject({ outcome: 'waiting', ahead: 0 });
    const turn = await waitUntil('bob has his turn', async () => {
      const outcome = await room.look('bob');
      return outcome.outcome === 'turn' && outcome;
    });
    expect(turn.atMs).toBeGreaterThanOrEqual(Math.floor(turn.goodFromMs));
  });

  it('does not save up what was not used: after a pause nobody is called in a burst', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 10 });
    await pause(1_000);
    for (let index = 0; index < 20; index += 1) await room.join(`shopper-${index}`);
    expect((await room.tick()).called).toBeLessThanOrEqual(2);
  });

  it('calls nobody beyond the cap of those inside, nor beyond the units that are there', async () => {
    const capped = await TestRoom.open(world.rooms, { maxInside: 2, ratePerSecond: 1_000 });
    const scarce = await TestRoom.open(world.rooms, { ratePerSecond: 1_000 });
    for (const room of [capped, scarce]) {
      for (let index = 0; index < 5; index += 1) await room.join(`shopper-${index}`);
    }
    expect(await capped.tick()).toMatchObject({ inside: 2, waiting: 3 });
    expect(await capped.tick({ bought: [] })).toMatchObject({ inside: 2, waiting: 3 });
    await capped.look('shopper-0');
    expect(await capped.tick({ bought: [capped.id('shopper-0')] })).toMatchObject({ inside: 2, waiting: 2 });
    expect(await scarce.tick({ available: 0 })).toMatchObject({ inside: 0, waiting: 5 });
    expect(await scarce.tick({ available: 3 })).toMatchObject({ inside: 3, waiting: 2 });
    expect(await scarce.tick({ available: 3 })).toMatchObject({ inside: 3, waiting: 2 });
  });

  it('takes the place inside from whoever does not buy in time', async () => {
    const room = await TestRoom.open(world.rooms, { maxInside: 1, passMs: 400, silentMs: 60_000 });
    await room.join('ann');
    await room.join('bob');
    await room.tick();
    expect(await room.look('ann')).toMatchObject({ outcome: 'turn' });
    await waitUntil('the pass of ann is over', async () => (await room.look('ann')).outcome === 'ended');
    await room.tick();
    expect(await room.look('bob')).toMatchObject({ outcome: 'turn' });
  });

  it('calls nobody before the opening, while closed, or when nothing can come back', async () => {
    const early = await TestRoom.open(world.rooms, {
      opensAtMs: Date.now() + 60_000,
      lobbyOpensAtMs: Date.now() - 1_000,
    });
    const closed = await TestRoom.open(world.rooms, { mode: 'closed' });
    const over = await TestRoom.open(world.rooms);
    for (const room of [early, closed, over]) await room.join('ann');
    expect(await early.tick()).toMatchObject({ called: 0, waiting: 1 });
    expect(await closed.tick()).toMatchObject({ called: 0, waiting: 1 });
    expect(await over.tick({ isOver: true })).toMatchObject({ called: 0, waiting: 1 });
  });
});

describe('silent waiters', () => {
  it('are passed over without holding up the line, and return to its front for a while', async () => {
    const room = await TestRoom.open(world.rooms, { silentMs: 300, graceMs: 60_000, ratePerSecond: 1_000 });
    await room.join('ann');
    await room.join('bob');
    await waitUntil('ann is silent, and bob is not', async () => {
      await pause(100);
      expect(await room.look('bob')).toMatchObject({ outcome: 'waiting' });
      return silentFor(room, 700);
    });
    expect(await room.tick()).toMatchObject({ called: 1, waiting: 0 });
    expect(await room.look('bob')).toMatchObject({ outcome: 'turn' });
    await room.join('cid');
    expect(await room.look('ann')).toMatchObject({ outcome: 'waiting', ahead: 0, isNew: false });
    expect(await room.look('cid')).toMatchObject({ outcome: 'waiting', ahead: 1 });
  });

  it('lose their place when the time to return is over', async () => {
    const room = await TestRoom.open(world.rooms, { silentMs: 100, graceMs: 0, ratePerSecond: 1_000 });
    const place = placeOf(await room.join('ann'));
    await pause(300);
    await room.tick();
    await pause(10);
    await room.tick();
    expect(await room.look('ann', place)).toEqual({ outcome: 'ended' });
    expect(await room.join('ann', place)).toMatchObject({ outcome: 'waiting', isNew: true });
  });

  it('are passed over as well where they were called and never came', async () => {
    const room = await TestRoom.open(world.rooms, { maxInside: 1, silentMs: 300, ratePerSecond: 1_000 });
    await room.join('ann');
    await room.join('bob');
    expect(await room.tick()).toMatchObject({ called: 1 });
    await waitUntil('bob has his turn', async () => {
      await room.tick();
      return (await room.look('bob')).outcome === 'turn';
    });
  });

  const startedAtMs = new Map<TestRoom, number>();
  function silentFor(room: TestRoom, ms: number): boolean {
    const since = startedAtMs.get(room) ?? Date.now();
    startedAtMs.set(room, since);
    return Date.now() - since > ms;
  }
});

describe('a line that Redis forgot', () => {
  it('takes places that nobody was called from yet back, in their order, and no others', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 1 });
    const places = [];
    for (const shopper of ['ann', 'bob', 'cid']) places.push(placeOf(await room.join(shopper)));
    await room.tick();
    await world.redis.client.del(room.keys.line, room.keys.called, room.keys.places);
    expect(await room.look('cid', places[2])).toMatchObject({ outcome: 'waiting', ahead: 0 });
    expect(await room.look('bob', places[1])).toMatchObject({ outcome: 'waiting', ahead: 0 });
    expect(await room.look('cid', places[2])).toMatchObject({ outcome: 'waiting', ahead: 1 });
    // She was called before it was forgotten.
    expect(await room.look('ann', places[0])).toEqual({ outcome: 'ended' });
  });

  it('pauses, forms again from the tickets, and goes on when the Redis is another one', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 1_000, longestPollMs: 1_000 });
    const places = [];
    for (const shopper of ['ann', 'bob']) places.push(placeOf(await room.join(shopper)));
    await world.redis.client.del(...Object.values<string>({ ...room.keys }));
    expect(await world.rooms.publish(room.config, true)).toBe('created');
    const standing = await room.tick();
    expect(standing.pausedUntilMs).toBeGreaterThan(standing.atMs);
    expect(await room.join('cid')).toMatchObject({ ahead: 0, isNew: true });
    expect(await room.look('bob', places[1])).toMatchObject({ ahead: 0, isNew: false });
    expect(await room.look('ann', places[0])).toMatchObject({ ahead: 0, isNew: false });
    expect((await room.tick()).called).toBe(0);
    await waitUntil('the pause is over', async () => {
      for (const shopper of ['ann', 'bob', 'cid']) await room.look(shopper);
      return (await room.tick()).called === 3;
    });
    const good = await world.redis.client.zrange(room.keys.called, '0', '-1');
    expect(good).toEqual(['ann', 'bob', 'cid'].map((shopper) => room.id(shopper)));
  });

  it('is on again in auto where a gateway knows that it was, and is not seen before anybody has looked after it', async () => {
    for (const wasOn of [true, false]) {
      const room = await TestRoom.open(world.rooms, { mode: 'auto' });
      await world.redis.client.del(...Object.values<string>({ ...room.keys }));
      await world.rooms.publish(room.config, true);
      expect(await room.look('ann', 1)).toEqual({ outcome: 'notReady' });
      expect(await room.tick({ wasOn })).toMatchObject({ state: wasOn ? 'on' : 'off' });
      expect(await room.look('ann', 1)).toMatchObject({ outcome: wasOn ? 'waiting' : 'open' });
    }
  });

  it('pauses after a restart of Redis, and takes every ticket back, for who was called may have been forgotten', async () => {
    const room = await TestRoom.open(world.rooms, { ratePerSecond: 1 });
    const place = placeOf(await room.join('ann'));
    await room.join('bob');
    await room.tick();
    await world.redis.client.del(room.keys.called, room.keys.places);
    expect(await room.look('ann', place)).toEqual({ outcome: 'ended' });
    await world.redis.client.hset(room.keys.state, 'server', 'another');
    expect(await room.tick()).toMatchObject({ called: 1, waiting: 1 });
    expect(await room.look('ann', place)).toMatchObject({ outcome: 'waiting', place, ahead: 0 });
  });
});

describe('settings', () => {
  it('of an older version are not written over newer ones', async () => {
    const room = await TestRoom.open(world.rooms, { version: 5, mode: 'closed' });
    expect(await world.rooms.publish({ ...room.config, version: 4, mode: 'on' }, true)).toBe('kept');
    expect(await room.tick()).toMatchObject({ state: 'closed', version: 5 });
    expect(await world.rooms.publish({ ...room.config, version: 6, mode: 'off' }, true)).toBe('updated');
    const standing = await room.tick();
    expect(standing).toMatchObject({ state: 'off', version: 6 });
    expect(await world.rooms.config(room.config.saleId)).toMatchObject({ version: 6, mode: 'off' });
    expect(await world.rooms.isPublished({ ...room.config, version: 6 })).toBe(true);
    expect(await world.rooms.isPublished({ ...room.config, version: 7 })).toBe(false);
  });

  it('that Redis does not have make no room', async () => {
    const nothing = { saleId: 'none', attempts: 1, available: 1, isOver: false, wasOn: false, bought: [] };
    expect(await world.rooms.tick(nothing)).toBeUndefined();
    expect(await world.rooms.visit('none', { verb: 'look', ticketId: 'A'.repeat(14), place: 1 })).toEqual({
      outcome: 'notReady',
    });
    expect(await world.rooms.config('none')).toBeUndefined();
  });
});

describe('auto', () => {
  it('goes on above the rate, counted over all who tick, and off when it was calm for five seconds', async () => {
    const room = await TestRoom.open(world.rooms, { mode: 'auto', ratePerSecond: 100 });
    expect(await room.tick({ attempts: 100 })).toMatchObject({ state: 'off' });
    await pause(1_300);
    await room.tick({ attempts: 60 });
    await room.tick({ attempts: 60 });
    await waitUntil('the tenth of a second is over', async () => (await room.tick()).state === 'on');
    const onAtMs = (await room.tick()).since;
    await room.join('ann');
    await room.tick();
    await room.look('ann');
    const off = await waitUntil(
      'it is off',
      async () => {
        const standing = await room.tick();
        return standing.state === 'off' && standing;
      },
      { everyMs: 100 },
    );
    expect(off.since - onAtMs).toBeGreaterThanOrEqual(5_000);
  });

  it('stays on while somebody waits', async () => {
    const room = await TestRoom.open(world.rooms, { mode: 'auto', ratePerSecond: 1, maxInside: 1 });
    await room.tick({ attempts: 100 });
    await waitUntil('it is on', async () => (await room.tick()).state === 'on');
    for (const shopper of ['ann', 'bob']) await room.join(shopper);
    for (let tick = 0; tick < 60; tick += 1) {
      await pause(100);
      expect(await room.tick()).toMatchObject({ state: 'on', waiting: 1 });
    }
  });
});
