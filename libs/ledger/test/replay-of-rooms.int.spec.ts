import type { ItemRef, LedgerEvent } from '@flux/contracts';
import { noteSale, SaleEntity } from '@flux/ledger';
import {
  asPublished,
  createDatabase,
  insertSale,
  noteCreation,
  queuedLedgerEvents,
  replayInto,
  type TestDatabase,
} from '@flux/testing';

jest.setTimeout(60_000);

const ROOM_FIELDS = [
  ...['admission', 'room_version', 'room_salt', 'room_begun_at', 'draw_seed', 'beacon_value', 'draw'],
] as const;
const SEED = 'b2'.repeat(32);

describe("the replay of a sale's waiting room", () => {
  let lost: TestDatabase;
  let empty: TestDatabase;
  let item: ItemRef;
  beforeEach(async () => {
    [lost, empty] = await Promise.all([createDatabase(), createDatabase()]);
    const [inserted] = await insertSale(lost.dataSource, [{ stock: 5 }]);
    item = inserted!;
    await noteCreation(lost.dataSource, item);
  });
  afterEach(async () => {
    await lost.drop();
    await empty.drop();
  });

  async function change(assignments: string): Promise<void> {
    await lost.dataSource.transaction(async (manager) => {
      await manager.query(`UPDATE sales SET ${assignments} WHERE id = $1`, [item.saleId]);
      await noteSale(manager, item.saleId, { causes: ['saleChanged'], written: { sale: true } });
    });
  }

  /** As the release before wrote them. */
  function ofReleaseBefore(event: LedgerEvent): LedgerEvent {
    const sales = event.rows?.sales?.map((sale) =>
      Object.fromEntries(
        Object.entries(sale).filter(([name]) => !ROOM_FIELDS.some((field) => field === name)),
      ),
    );
    return asPublished({ ...event, rows: { ...event.rows, sales } } as LedgerEvent);
  }

  async function saleIn({ dataSource }: TestDatabase): Promise<SaleEntity> {
    return dataSource.manager.findOneByOrFail(SaleEntity, { id: item.saleId });
  }

  it('has every setting and secret, and what was drawn', async () => {
    await change(
      "admission = jsonb_set(admission, '{mode}', '\"on\"'), room_version = 2, room_begun_at = now()",
    );
    const draw = `'{"listHash": "${SEED}", "tickets": 3, "drawnAt": "2026-11-27T09:00:00.000Z"}'`;
    await change(`draw_seed = '${SEED}', beacon_value = '5', draw = ${draw}, room_version = 3`);
    const events = await queuedLedgerEvents(lost.dataSource);
    expect(await replayInto(empty.dataSource, events)).toMatchObject({ applied: 3, stopped: [] });
    const sale = await saleIn(empty);
    expect(sale).toMatchObject({
      admission: { mode: 'on' },
      roomVersion: 3,
      drawSeed: SEED,
      beaconValue: '5',
    });
    expect(sale).toEqual(await saleIn(lost));
  });

  it('gives a sale of the release before no room, and a salt', async () => {
    const events = (await queuedLedgerEvents(lost.dataSource)).map(ofReleaseBefore);
    expect(await replayInto(empty.dataSource, events)).toMatchObject({ applied: 1, stopped: [] });
    const { admission, roomVersion, roomSalt } = await saleIn(empty);
    expect([admission.mode, roomVersion]).toEqual(['off', 1]);
    expect(roomSalt).toMatch(/^[0-9a-f]{64}$/);
  });

  it('leaves the room as it is where the release before changed the sale', async () => {
    await change("admission = jsonb_set(admission, '{mode}', '\"on\"'), room_version = 2");
    await change("name = 'Another'");
    const events = await queuedLedgerEvents(lost.dataSource);
    const mixed = [...events.slice(0, -1), ...events.slice(-1).map(ofReleaseBefore)];
    expect(await replayInto(empty.dataSource, mixed)).toMatchObject({ applied: 3, stopped: [] });
    const { roomSalt } = await saleIn(lost);
    expect(await saleIn(empty)).toMatchObject({
      name: 'Another',
      admission: { mode: 'on' },
      roomVersion: 2,
      roomSalt,
    });
  });
});
