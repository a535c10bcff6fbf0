import type { ItemRef } from '@flux/contracts';
import { slicesOf } from '@flux/gate';
import { commitmentOf, ListHash, ticketIdOf } from '@flux/waiting-room';
import { waitUntil } from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { DrawSteps } from '../src/draw/draw-steps.service';
import * as repository from '../src/draw/draw.repository';
import { MaintenanceLoop } from '../src/maintenance/maintenance.loop';
import { RoomPublisher } from '../src/waiting-room/room-publisher';
import { drawnOrder, DrawWorld } from './draw.world';

jest.setTimeout(60_000);

describe('the draw', () => {
  let world: DrawWorld;
  beforeAll(async () => {
    world = await DrawWorld.start();
  });
  afterAll(() => world.admin.stop());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** What everybody can check of it. */
  async function expectDrawn(item: ItemRef, ticketIds: readonly string[], beacon = ''): Promise<void> {
    const sorted = [...ticketIds].sort();
    const hash = new ListHash();
    hash.add(sorted);
    const result = await world.result(item);
    if (result === undefined) throw new Error('nothing was drawn');
    expect(result).toMatchObject({ beacon, tickets: sorted.length, listHash: hash.digest() });
    expect((await world.config(item)).draw?.commitment).toBe(commitmentOf(result.seed));
    expect(await world.published(item)).toEqual(sorted);
    expect(await world.line(item)).toEqual(drawnOrder(result, sorted));
  }

  async function joinAll(item: ItemRef, count: number): Promise<readonly string[]> {
    const names = Array.from({ length: count }, (_, index) => `shopper-${index}`);
    const ticketIds: string[] = [];
    for (const some of slicesOf(names, 500)) {
      ticketIds.push(...(await Promise.all(some.map((name) => world.join(item, name)))));
    }
    return ticketIds;
  }

  it('gives everybody of the lobby a rank, and those who come later a place behind', async () => {
    // So soon that PostgreSQL's clock, were it a little ahead, would have it open.
    const item = await world.lobby({ opensInMs: 50_000 });
    const tickets = await joinAll(item, 60);
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
    await world.comesToOpen(item);
    const late = await world.join(item, 'late');
    await world.draw();
    const line = await world.line(item);
    expect(line.at(-1)).toBe(late);
    await world.leave(item, late);
    await expectDrawn(item, tickets);
    expect(line.slice(0, -1)).not.toEqual(tickets);
    const { admission } = await world.admin.readSale(item);
    const { draw } = await world.sale(item);
    expect(draw).toMatchObject({ tickets: 60, drawnAt: expect.any(String) as unknown });
    expect(admission.draw).toMatchObject({ ...draw });
    await world.draw();
    expect((await world.sale(item)).roomVersion).toBe(3);
  });

  it('lets nobody be called before it', async () => {
    const item = await world.lobby({ joins: 3 });
    await world.comesToOpen(item);
    expect(await world.tick(item)).toMatchObject({ waiting: 3, called: 0 });
    await world.draw();
    expect((await world.tick(item))?.called).toBe(3);
  });

  it('draws an empty lobby too', async () => {
    const item = await world.lobby();
    await world.comesToOpen(item);
    await world.draw();
    await expectDrawn(item, []);
  });

  it('is made by itself', async () => {
    const item = await world.lobby();
    const tickets = await joinAll(item, 4);
    await world.comesToOpen(item);
    const loop = world.admin.app.get(MaintenanceLoop);
    loop.start();
    try {
      await waitUntil('the places are drawn', async () => (await world.result(item)) !== undefined);
    } finally {
      await loop.stop();
    }
    await expectDrawn(item, tickets);
  });

  it('leaves those who left where they are, and lists all who were there', async () => {
    const item = await world.lobby();
    const tickets = await joinAll(item, 5);
    await world.leave(item, tickets[2] ?? '');
    await world.comesToOpen(item);
    await world.draw();
    await expectDrawn(item, tickets.toSpliced(2, 1));
  });

  it('waits for the beacon, and uses it', async () => {
    const item = await world.lobby({ beacon: 'the lottery' });
    const tickets = await joinAll(item, 8);
    await world.comesToOpen(item);
    await world.draw();
    // The list is closed before the value is known, and nobody is called.
    const closed = await world.draws(item);
    expect(closed).toMatchObject([{ ticket_ids: [...tickets].sort().join('\n') }]);
    expect(await world.result(item)).toBeUndefined();
    expect((await world.tick(item))?.called).toBe(0);
    const path = `/admin/v1/sales/${item.saleId}/beacon`;
    expect((await world.admin.call('POST', path, { body: { value: '5 12 19' } })).status).toBe(200);
    await world.draw();
    await expectDrawn(item, tickets, '5 12 19');
    expect(await world.draws(item)).toEqual(closed);
  });

  it('is not made for a sale that closed before', async () => {
    const item = await world.lobby({ joins: 2 });
    await world.comesToOpen(item);
    await world.admin.act(item, 'close');
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
  });

  it('waits while a lost line forms again, rather than draw from an empty one', async () => {
    const item = await world.lobby({ joins: 4 });
    await world.comesToOpen(item);
    await world.admin.redis.client.flushall();
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
    // A gateway looks after the room: those who were there have a poll's time to come back.
    const standing = await world.tick(item);
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
    const { salt, opensAtMs } = await world.config(item);
    const back = ticketIdOf(salt, 'shopper-1');
    const place = (opensAtMs - 5_000) * 1_000;
    await world.rooms.visit(item.saleId, { verb: 'look', ticketId: back, place });
    const pausedForMs = (standing?.pausedUntilMs ?? 0) - (standing?.atMs ?? 0);
    expect(pausedForMs).toBe(1_000);
    const pausedUntilMs = standing?.pausedUntilMs ?? 0;
    await waitUntil(
      'the line has formed',
      async () => (await world.rooms.nowMs(item.saleId)) >= pausedUntilMs,
    );
    await world.draw();
    await expectDrawn(item, [back]);
  });

  it('does not draw from a line that was lost while it was read', async () => {
    const item = await world.lobby({ joins: 4 });
    await world.comesToOpen(item);
    const lobby = world.rooms.lobby.bind(world.rooms);
    jest.spyOn(world.rooms, 'lobby').mockImplementation(async (saleId, opensAtMs) => {
      await world.admin.redis.client.flushall();
      return lobby(saleId, opensAtMs);
    });
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
    jest.restoreAllMocks();
    await world.draw();
    expect(await world.draws(item)).toEqual([]);
  });

  describe('that was cut short', () => {
    const crash = (): Promise<never> => Promise.reject(new Error('crashed'));

    it.each<readonly [string, () => void]>([
      ['with the list', () => jest.spyOn(world.rooms, 'keepDrawn').mockImplementationOnce(crash)],
      ['with the list in Redis', () => jest.spyOn(world.rooms, 'rank').mockImplementationOnce(crash)],
      [
        'with the ranks',
        () => {
          const rank = world.rooms.rank.bind(world.rooms);
          jest.spyOn(world.rooms, 'rank').mockImplementationOnce(async (saleId, ranks) => {
            await rank(saleId, [...ranks].slice(0, 3));
            return crash();
          });
        },
      ],
    ])('goes on %s, whoever came or left meanwhile, and published nothing before', async (_, cut) => {
      const item = await world.lobby();
      const tickets = await joinAll(item, 12);
      await world.comesToOpen(item);
      cut();
      await expect(world.draw()).rejects.toThrow('crashed');
      const [kept] = await world.draws(item);
      expect(kept?.ticket_ids).toBe([...tickets].sort().join('\n'));
      expect(await world.result(item)).toBeUndefined();
      expect(await world.tick(item)).toMatchObject({ called: 0 });
      await world.leave(item, tickets[4] ?? '');
      await world.draw();
      expect(await world.draws(item)).toEqual([kept]);
      const result = await world.result(item);
      expect(result).toMatchObject({ listHash: kept?.list_hash, tickets: 12 });
      expect(await world.published(item)).toEqual([...tickets].sort());
      expect(await world.line(item)).toEqual(drawnOrder(result!, tickets.toSpliced(4, 1)));
    });

    it('is published by the maintenance where only that is missing', async () => {
      const item = await world.lobby();
      const tickets = await joinAll(item, 3);
      await world.comesToOpen(item);
      const publisher = world.admin.app.get(RoomPublisher);
      const publish = publisher.publish.bind(publisher);
      let calls = 0;
      const cut = item.saleId;
      jest
        .spyOn(publisher, 'publish')
        .mockImplementation((saleId) => (saleId === cut && ++calls === 2 ? crash() : publish(saleId)));
      await expect(world.draw()).rejects.toThrow('crashed');
      jest.restoreAllMocks();
      expect(await world.result(item)).toBeUndefined();
      await world.admin.maintenance.close();
      await expectDrawn(item, tickets);
    });
  });

  describe('by two processes', () => {
    let second: NestFastifyApplication;
    beforeAll(async () => {
      second = await world.admin.addProcess();
    });

    it('is made once', async () => {
      const item = await world.lobby();
      const tickets = await joinAll(item, 20);
      await world.comesToOpen(item);
      await Promise.all([world.draw(), world.draw(second), world.draw()]);
      await world.draw();
      await expectDrawn(item, tickets);
      expect((await world.sale(item)).roomVersion).toBe(3);
    });

    it('is the same for one that lost its lock and goes on', async () => {
      const item = await world.lobby();
      const tickets = await joinAll(item, 20);
      await world.comesToOpen(item);
      const sale = await world.sale(item);
      const [here, there] = [world.admin.app, second].map((app) => app.get(DrawSteps));
      const { signal } = new AbortController();
      expect(await here!.close(sale)).toBe(true);
      const first = await world.draws(item);
      await world.leave(item, tickets[0] ?? '');
      // It had looked for a list before there was one.
      const exists = jest.spyOn(second.get(DataSource).manager, 'existsBy').mockResolvedValueOnce(false);
      expect(await there!.close(sale)).toBe(true);
      expect(exists).toHaveBeenCalled();
      expect(await world.draws(item)).toEqual(first);
      await there!.give(sale, sale.drawSeed ?? '', signal);
      await here!.give(sale, sale.drawSeed ?? '', signal);
      const result = await world.result(item);
      expect(await world.line(item)).toEqual(drawnOrder(result!, tickets.slice(1)));
      expect((await world.sale(item)).roomVersion).toBe(3);
      const audits: unknown[] = await world.admin.dataSource.query(
        "SELECT FROM audit_log WHERE action = 'sale.draw' AND subject = $1",
        [item.saleId],
      );
      expect(audits).toHaveLength(1);
    });
  });

  describe('of which a server has lost the list', () => {
    async function drawn(): Promise<readonly [ItemRef, readonly string[]]> {
      const item = await world.lobby();
      const tickets = await joinAll(item, 5_001);
      await world.comesToOpen(item);
      await world.draw();
      return [item, tickets];
    }

    it('has it again in Redis, whole', async () => {
      const [item, tickets] = await drawn();
      await expectDrawn(item, tickets);
      const keep = jest.spyOn(world.rooms, 'keepDrawn');
      await world.keepLists();
      expect(keep.mock.calls.map(([saleId]) => saleId)).not.toContain(item.saleId);
      const key = `{room:${item.saleId}}:drawn`;
      for (const lose of [
        () => world.admin.redis.client.del(key),
        () => world.admin.redis.client.lpop(key),
      ]) {
        await lose();
        await world.keepLists();
        expect(await world.published(item)).toEqual([...tickets].sort());
      }
    });

    it('has it again after everything in Redis was lost, with ranks that are the same for all', async () => {
      const [item, tickets] = await drawn();
      const result = await world.result(item);
      await world.admin.redis.client.flushall();
      await world.admin.maintenance.close();
      await world.keepLists();
      await world.draw();
      expect(await world.result(item)).toEqual(result);
      expect(await world.published(item)).toEqual([...tickets].sort());
    });

    it('has it again in PostgreSQL, from Redis; another list is not taken', async () => {
      const [item, tickets] = await drawn();
      const [before] = await world.draws(item);
      const { manager } = world.admin.dataSource;
      await manager.query('DELETE FROM draws WHERE sale_id = $1', [item.saleId]);
      await world.draw();
      await world.keepLists();
      expect(await world.draws(item)).toEqual([before]);
      await manager.query('DELETE FROM draws WHERE sale_id = $1', [item.saleId]);
      await world.rooms.keepDrawn(item.saleId, tickets.slice(1));
      await world.keepLists();
      expect(await repository.findDraw(manager, item.saleId)).toBeNull();
    });
  });
});
