import type { ItemRef } from '@flux/contracts';
import { roomKeys, RoomClient, ticketIdOf, type RoomConfig, type RoomStanding } from '@flux/waiting-room';
import { Forgetting, SaleEntity } from '@flux/ledger';
import type { OperatorSale } from '../src/sales/sale-answer';
import { RedisConnection } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { RoomPublisher } from '../src/waiting-room/room-publisher';
import { AdminWorld, type Answer, codeOf, saleBody, statusAndCode } from './admin.world';

jest.setTimeout(60_000);

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();

describe("a sale's waiting room", () => {
  let world: AdminWorld;
  let rooms: RoomClient;
  beforeAll(async () => {
    world = await AdminWorld.start();
    rooms = world.app.get(RoomClient);
  });
  afterAll(() => world.stop());

  async function change({ saleId }: ItemRef, body: unknown): Promise<Answer> {
    return world.call('POST', `/admin/v1/sales/${saleId}/waiting-room`, { body });
  }

  async function setBeacon({ saleId }: ItemRef, value: unknown): Promise<Answer> {
    return world.call('POST', `/admin/v1/sales/${saleId}/beacon`, { body: { value } });
  }

  async function config({ saleId }: ItemRef): Promise<RoomConfig> {
    const found = await rooms.config(saleId);
    if (found === undefined) throw new Error('there is no room');
    return found;
  }

  async function row({ saleId }: ItemRef): Promise<SaleEntity> {
    return world.dataSource.manager.findOneByOrFail(SaleEntity, { id: saleId });
  }

  async function tick({ saleId }: ItemRef): Promise<RoomStanding | undefined> {
    return rooms.tick({ saleId, attempts: 0, available: 1_000_000, isOver: false, wasOn: false, bought: [] });
  }

  async function audits({ saleId }: ItemRef, action: string): Promise<unknown[]> {
    return world.dataSource.query(
      'SELECT actor, before, after FROM audit_log WHERE subject = $1 AND action = $2 ORDER BY id',
      [saleId, action],
    );
  }

  it('is there from the definition on, with the defaults where nothing was said', async () => {
    const item = await world.createSale();
    const { admission } = await world.readSale(item);
    expect(admission).toEqual({
      ...{ mode: 'auto', ratePerSecond: 10_000, passMs: 120_000, longestPollMs: 10_000, silentMs: 75_000 },
      graceMs: 180_000,
      room: { state: 'off', waiting: 0, called: 0, inside: 0 },
      draw: null,
    });
    const { roomSalt, roomBegunAt } = await row(item);
    expect(roomSalt).toMatch(/^[0-9a-f]{64}$/);
    expect(roomBegunAt).not.toBeNull();
    expect(await config(item)).toMatchObject({ version: 1, mode: 'auto', salt: roomSalt });
    expect(await row(await world.createSale())).not.toMatchObject({ roomSalt });
    // Nobody comes back to a room that never was: its first line does not wait for them.
    expect(await tick(item)).toMatchObject({ pausedUntilMs: 0 });
  });

  it('has what the operator said, lobby and commitment included', async () => {
    const lobbyOpensAt = inHours(1);
    const item = await world.createSale({
      ...{ opensAt: inHours(2), closesAt: inHours(3) },
      admission: { mode: 'on', ratePerSecond: 5, maxInside: 9, lobbyOpensAt, beacon: 'the lottery' },
    });
    const { admission } = await world.readSale(item);
    const commitment = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
    expect(admission).toMatchObject({
      ...{ mode: 'on', ratePerSecond: 5, maxInside: 9, lobbyOpensAt, beacon: 'the lottery' },
      draw: { commitment, beaconValue: null, drawnAt: null, tickets: null, listHash: null },
    });
    const published = await config(item);
    expect(published).toMatchObject({ lobbyOpensAtMs: Date.parse(lobbyOpensAt), beacon: 'the lottery' });
    expect(published.draw).toEqual({ commitment: admission.draw?.commitment });
    const { drawSeed } = await row(item);
    expect(drawSeed).toMatch(/^[0-9a-f]{64}$/);
    const audited = JSON.stringify(await audits(item, 'sale.create'));
    expect(audited).toContain('the lottery');
    for (const told of [audited, JSON.stringify(published)]) expect(told).not.toContain(drawSeed);
  });

  it.each([
    [{ silentMs: 5_000, longestPollMs: 2_501 }, '/admission/silentMs'],
    [{ lobbyOpensAt: inHours(1) }, '/admission/lobbyOpensAt'],
    [{ beacon: 'the lottery' }, '/admission/beacon'],
    [{ ratePerSecond: 0 }, '/admission/ratePerSecond'],
    [{ mode: 'ON' }, '/admission/mode'],
    [{ surprise: 1 }, '/admission'],
  ])('refuses %j with a pointer', async (admission, pointer) => {
    const answer = await world.call('POST', '/admin/v1/sales', { body: { ...saleBody(), admission } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid-request', errors: [{ pointer }] });
  });

  it('is switched at once, in any sale that is not over, and audited', async () => {
    const item = await world.createSale({ admission: { maxInside: 7 } });
    for (const [action, body, expected] of [
      [undefined, { mode: 'on' }, { mode: 'on', maxInside: 7 }],
      ['open', { ratePerSecond: 3, maxInside: null }, { mode: 'on', ratePerSecond: 3 }],
      [
        'pause',
        { mode: 'closed', silentMs: 40_000, longestPollMs: 20_000 },
        { mode: 'closed', longestPollMs: 20_000 },
      ],
    ] as const) {
      if (action !== undefined) await world.act(item, action);
      const answer = await change(item, body);
      expect(answer.status).toBe(200);
      expect((answer.body as OperatorSale).admission).toMatchObject(expected);
      expect(await config(item)).toMatchObject(expected);
    }
    expect(await config(item)).not.toHaveProperty('maxInside');
    expect(await tick(item)).toMatchObject({ state: 'closed', version: 4 });
    const entries = await audits(item, 'sale.waiting-room');
    expect(entries).toHaveLength(3);
    expect(entries[0]).toMatchObject({
      actor: 'anna',
      before: { admission: { mode: 'auto', maxInside: 7 } },
      after: { admission: { mode: 'on', maxInside: 7 } },
    });
  });

  it('asks for a challenge from the change on, also while nobody waits, and says so in the audit log', async () => {
    const item = await world.createSale({ admission: { mode: 'off' } });
    expect(await config(item)).not.toHaveProperty('challenge');
    const challenge = { challenge: 'pow', challengeBits: 15 };
    const answer = await change(item, challenge);
    expect((answer.body as OperatorSale).admission).toMatchObject({ mode: 'off', ...challenge });
    expect(await config(item)).toMatchObject({ version: 2, mode: 'off', ...challenge });
    expect(await audits(item, 'sale.waiting-room')).toEqual([
      expect.objectContaining({ after: { admission: expect.objectContaining(challenge) as unknown } }),
    ]);
    expect((await change(item, { challenge: 'none' })).status).toBe(200);
    expect(await config(item)).toMatchObject({ version: 3, challenge: 'none', challengeBits: 15 });
    expect((await change(item, { challengeBits: 21 })).body).toMatchObject({
      errors: [{ pointer: '/challengeBits' }],
    });
  });

  it('does not count what it is already', async () => {
    const item = await world.createSale();
    for (const body of [{ mode: 'on' }, { mode: 'on' }, { mode: 'on', passMs: 120_000 }]) {
      expect((await change(item, body)).status).toBe(200);
    }
    expect(await row(item)).toMatchObject({ roomVersion: 2 });
    expect(await audits(item, 'sale.waiting-room')).toHaveLength(1);
  });

  it('refuses what is no setting, does not go with the others, or comes too late', async () => {
    const item = await world.createSale();
    for (const body of [{}, { mode: 'maybe' }, { lobbyOpensAt: inHours(-2) }, { passMs: null }]) {
      expect(statusAndCode(await change(item, body))).toEqual([400, 'invalid-request']);
    }
    const conflict = await change(item, { longestPollMs: 37_501 });
    expect(conflict.body).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/silentMs' }] });
    expect(statusAndCode(await change({ ...item, saleId: 'nobody-s' }, { mode: 'on' }))).toEqual([
      404,
      'unknown-sale',
    ]);
    await world.act(item, 'close');
    expect(statusAndCode(await change(item, { mode: 'on' }))).toEqual([409, 'invalid-transition']);
    expect((await row(item)).admission).toMatchObject({ mode: 'auto' });
  });

  it('ends with the sale', async () => {
    const item = await world.openSale();
    const before = await config(item);
    await world.act(item, 'close');
    const { closedAt } = await row(item);
    expect((await config(item)).closesAtMs).toBe(closedAt?.getTime());
    expect(before.closesAtMs).toBeGreaterThan(Date.now());
  });

  it('comes back when Redis has lost it, and its line forms again', async () => {
    const item = await world.openSale();
    await change(item, { mode: 'on' });
    await world.redis.client.flushall();
    await world.maintenance.close();
    expect(await config(item)).toMatchObject({ version: 2, mode: 'on' });
    const standing = await tick(item);
    expect(standing?.pausedUntilMs).toBeGreaterThan(standing?.atMs ?? 0);
    await world.redis.client.del(roomKeys(item.saleId).config);
    await world.maintenance.close();
    expect(await config(item)).toMatchObject({ version: 2 });
    // The state was there: nothing was lost of the line.
    expect((await tick(item))?.pausedUntilMs).toBe(standing?.pausedUntilMs);
  });

  it('keeps settings for which Redis was not there, and a repeat publishes them', async () => {
    const item = await world.openSale();
    await world.redis.kill();
    const answer = await change(item, { mode: 'on' });
    expect(statusAndCode(answer)).toEqual([503, 'temporarily-unavailable']);
    expect((await world.readSale(item)).admission).toMatchObject({ mode: 'on', room: null });
    await world.redis.restart();
    await waitUntil('Redis is back', () => world.app.get(RedisConnection).isReady());
    expect((await change(item, { mode: 'on' })).status).toBe(200);
    expect(await config(item)).toMatchObject({ mode: 'on' });
    expect(await audits(item, 'sale.waiting-room')).toHaveLength(1);
  });

  it('is not begun twice by processes that publish it at once, and no old settings come back', async () => {
    const item = await world.createSale();
    const second = await world.addProcess();
    await change(item, { mode: 'on' });
    const old = { ...(await config(item)), version: 1, mode: 'off' } as const;
    await world.redis.client.flushall();
    const both = [world.app, second].map((app) => app.get(RoomPublisher).publish(item.saleId));
    expect(await Promise.all(both)).toContain(true);
    expect(await rooms.publish(old, true)).toBe('kept');
    expect(await config(item)).toMatchObject({ mode: 'on' });
  });

  it('forgets the salt with the shoppers: no name can be tried against a published list any more', async () => {
    const item = await world.createSale({ retentionMs: 86_400_000 });
    await world.act(item, 'close');
    const { roomSalt } = await row(item);
    expect(await world.app.get(Forgetting).forgetSale(item.saleId)).toMatchObject({ outcome: 'forgotten' });
    const { roomSalt: after } = await row(item);
    expect(after).toMatch(/^[0-9a-f]{64}$/);
    expect(after).not.toBe(roomSalt);
  });

  it('shows who is there', async () => {
    const item = await world.openSale();
    await change(item, { mode: 'on', maxInside: 1 });
    await tick(item);
    const { salt } = await config(item);
    for (const shopper of ['ada', 'bob', 'cyd']) {
      const visit = { verb: 'join', ticketId: ticketIdOf(salt, shopper), place: undefined } as const;
      await rooms.visit(item.saleId, visit);
    }
    await tick(item);
    const { admission } = await world.readSale(item);
    expect(admission.room).toEqual({ state: 'on', waiting: 2, called: 1, inside: 1 });
  });

  describe('with a beacon', () => {
    async function withBeacon(opensInHours: number): Promise<ItemRef> {
      return world.createSale({
        ...{ opensAt: inHours(opensInHours), closesAt: inHours(opensInHours + 3) },
        admission: { lobbyOpensAt: inHours(opensInHours - 1), beacon: 'the lottery' },
      });
    }

    it('takes its value once, after the opening, and audits it', async () => {
      const item = await withBeacon(-1);
      const answer = await setBeacon(item, ' 5 12 19 ');
      expect(answer.status).toBe(200);
      expect((answer.body as OperatorSale).admission.draw).toMatchObject({ beaconValue: '5 12 19' });
      expect((await setBeacon(item, '5 12 19')).status).toBe(200);
      expect(statusAndCode(await setBeacon(item, '5 12 20'))).toEqual([409, 'invalid-transition']);
      expect(await audits(item, 'sale.beacon')).toEqual([
        { actor: 'anna', before: { beaconValue: null }, after: { beaconValue: '5 12 19' } },
      ]);
    });

    it('takes none before the opening, while people still join', async () => {
      const item = await withBeacon(1);
      expect(statusAndCode(await setBeacon(item, '5 12 19'))).toEqual([409, 'invalid-transition']);
      expect(await row(item)).toMatchObject({ beaconValue: null });
    });

    it('takes none where none was named, the sale is over, or it is no value', async () => {
      const plain = await world.createSale();
      expect(codeOf(await setBeacon(plain, '5'))).toBe('invalid-transition');
      const item = await withBeacon(-1);
      for (const value of ['', ' ', 5, 'x'.repeat(201)]) {
        expect(codeOf(await setBeacon(item, value))).toBe('invalid-request');
      }
      await world.act(item, 'close');
      expect(statusAndCode(await setBeacon(item, '5'))).toEqual([409, 'invalid-transition']);
    });
  });
});
