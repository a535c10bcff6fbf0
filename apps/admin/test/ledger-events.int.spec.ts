import {
  createDatabase,
  queuedLedgerEvents,
  replayableRows,
  replayInto,
  type TestDatabase,
} from '@flux/testing';
import { Forgetting } from '@flux/ledger';
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
    for (const action of ['pause', 'resume', 'close']) await world.act(item, action);
    const scheduled = await world.createSale({ retentionMs: 86_400_000 }, 7);
    expect((await world.act(scheduled, 'close')).status).toBe(200);
    expect(await world.app.get(Forgetting).forgetSale(scheduled.saleId)).toMatchObject({
      outcome: 'forgotten',
    });

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
