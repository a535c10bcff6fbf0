import type { ItemRef } from '@flux/contracts';
import {
  createDatabase,
  queuedLedgerEvents,
  replayableRows,
  replayInto,
  type TestDatabase,
  waitUntil,
} from '@flux/testing';
import { Forgetting } from '@flux/ledger';
import { DrawMaintenance } from '../src/draw/draw-maintenance.service';
import { AdminWorld } from './admin.world';

jest.setTimeout(60_000);

let world: AdminWorld;
let empty: TestDatabase;

beforeAll(async () => {
  [world, empty] = await Promise.all([AdminWorld.start(), createDatabase()]);
});
afterAll(async () => {
  await world.stop();
  await empty.drop();
});

describe('what the admin process writes', () => {
  it('is in the events of the ledger: an empty database becomes equal to the lost one', async () => {
    const item = await world.createSale({}, 10);
    await world.changeStock(item, 5);
    await world.changeStock(item, -100);
    expect((await world.act(item, 'open')).status).toBe(200);
    await world.changeStock(item, 3);
    await world.changeStock(item, -4);
    await world.changeStock(item, -100);
    // A withdrawal that certainly has not happened is forgotten, another one may have an effect.
    await world.redis.kill();
    await world.changeStock(item, -1);
    await world.changeStock(item, 2);
    await world.redis.restart();
    await waitUntil('Redis is connected', async () => (await world.act(item, 'pause')).status === 200);
    for (const action of ['resume', 'close']) await world.act(item, action);
    const scheduled = await world.createSale({ retentionMs: 86_400_000 }, 7);
    expect((await world.act(scheduled, 'close')).status).toBe(200);
    expect(await world.app.get(Forgetting).forgetSale(scheduled.saleId)).toMatchObject({
      outcome: 'forgotten',
    });

    // Its waiting room, with salt, seed, beacon and what was drawn: whoever is in line must find the same again.
    // Each change is the last one of some sale: a later one would bring it along.
    const lobbyOpensAt = new Date(Date.now() - 2 * 3_600_000).toISOString();
    const operator = async (sale: ItemRef, action: string, body: object) => {
      const answer = await world.call('POST', `/admin/v1/sales/${sale.saleId}/${action}`, { body });
      expect([action, answer.status]).toEqual([action, 200]);
    };
    await world.createSale();
    await operator(await world.createSale(), 'waiting-room', { mode: 'on' });
    const drawn = await world.createSale({ admission: { lobbyOpensAt, beacon: 'the lottery' } });
    await operator(drawn, 'waiting-room', { mode: 'on' });
    await operator(drawn, 'beacon', { value: '5 12' });
    await world.app.get(DrawMaintenance).drawDue();
    expect((await world.readSale(drawn)).admission.draw).toMatchObject({ tickets: 0 });

    const told = await world.createSale({ admission: { lobbyOpensAt, beacon: 'the lottery' } });
    await operator(told, 'beacon', { value: '7' });

    const events = await queuedLedgerEvents(world.dataSource);
    expect(await replayInto(empty.dataSource, events)).toEqual({
      applied: events.length,
      known: 0,
      stopped: [],
    });
    const rows = await replayableRows(world.dataSource);
    expect(rows['stock_changes']!.length).toBeGreaterThanOrEqual(6);
    expect(await replayableRows(empty.dataSource)).toEqual(rows);
    const causes = new Set(events.flatMap((event) => event.causes));
    expect([...causes].sort()).toEqual(['created', 'opened', 'saleChanged', 'stockChanged']);
  });
});
