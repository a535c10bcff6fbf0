import { GateClient, itemKeys } from '@flux/gate';
import { randomId } from '@flux/testing';
import { GateDriver } from '../src/gate-driver/gate-driver.service';
import { SaleStateService } from '../src/sales/sale-state.service';
import { AdminWorld, codeOf, saleBody } from './admin.world';

jest.setTimeout(60_000);

describe("a sale's life-cycle", () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());

  it('is defined, with Location and an id of its own, and read with both counters', async () => {
    const answer = await world.call('POST', '/admin/v1/sales', { body: saleBody({ stock: 7 }) });
    expect(answer.status).toBe(201);
    const { id } = answer.body as { id: string };
    expect(id).toMatch(/^sale-[A-Za-z0-9_-]{12}$/);
    expect(answer.headers.get('location')).toBe(`/admin/v1/sales/${id}`);
    expect(answer.body).toMatchObject({
      state: 'scheduled',
      holdMs: 600_000,
      items: [{ gate: { status: 'notOpened' }, ledger: { initial: 7, free: 7, held: 0, epoch: 1 } }],
    });
    const read = await world.call('GET', `/admin/v1/sales/${id}`);
    expect(read.body).toEqual(answer.body);
  });

  it('keeps how long holds and identities last; the gate has the hold', async () => {
    const retentionMs = 30 * 24 * 3_600_000;
    const item = await world.createSale({ holdMs: 90_000, retentionMs });
    expect(await world.readSale(item)).toMatchObject({ holdMs: 90_000, retentionMs });
    await world.act(item, 'open');
    expect(await world.redis.client.hget(itemKeys(item).item, 'hold')).toBe('90000');
    expect(await world.readSale(await world.createSale())).toMatchObject({ retentionMs: null });
  });

  it('refuses a second sale with the same id, and changes nothing', async () => {
    const item = await world.createSale({ id: randomId('drop') });
    const again = await world.call('POST', '/admin/v1/sales', {
      body: saleBody({}, { id: item.saleId, name: 'Another' }),
    });
    expect([again.status, codeOf(again)]).toEqual([409, 'sale-exists']);
    expect((await world.readSale(item)).name).toBe('A sale');
  });

  it('sells from open to close, waits while paused, and follows the gate', async () => {
    const item = await world.createSale({}, 3);
    expect(await world.buy(item)).toBe('notReady');
    expect((await world.act(item, 'open')).body).toMatchObject({
      state: 'open',
      items: [{ gate: { status: 'ready', state: 'open', available: 3 } }],
    });
    expect(await world.buy(item)).toBe('accepted');
    expect((await world.act(item, 'pause')).body).toMatchObject({ state: 'paused' });
    expect(await world.buy(item)).toBe('notOpen');
    expect((await world.act(item, 'resume')).body).toMatchObject({ state: 'open' });
    expect(await world.buy(item)).toBe('accepted');
    expect((await world.act(item, 'close')).body).toMatchObject({
      state: 'closed',
      items: [{ gate: { state: 'closed', available: 1, sequence: 2, outboxLength: 2 } }],
    });
    expect(await world.buy(item)).toBe('closed');
  });

  it.each([
    [[], ['pause', 'resume']],
    [['open'], ['open', 'resume']],
    [
      ['open', 'pause'],
      ['open', 'pause'],
    ],
    [
      ['open', 'close'],
      ['open', 'pause', 'resume', 'close'],
    ],
    [['close'], ['open', 'pause', 'resume', 'close']],
  ])('after %j the transitions %j are wrong and change nothing', async (path, wrong) => {
    const item = await world.createSale();
    for (const action of path) expect((await world.act(item, action)).status).toBe(200);
    const before = await world.readSale(item);
    for (const action of wrong) {
      const answer = await world.act(item, action);
      expect([action, answer.status, codeOf(answer)]).toEqual([action, 409, 'invalid-transition']);
    }
    expect(await world.readSale(item)).toEqual(before);
  });

  it('answers 404 for a sale that is not there', async () => {
    const nowhere = { saleId: randomId('sale'), productId: 'p' };
    for (const action of ['open', 'pause', 'resume', 'close', 'audit']) {
      const answer = await world.act(nowhere, action);
      expect([action, answer.status, codeOf(answer)]).toEqual([action, 404, 'unknown-sale']);
    }
    expect(codeOf(await world.call('GET', `/admin/v1/sales/${nowhere.saleId}`))).toBe('unknown-sale');
  });

  it('refuses to open what is over', async () => {
    const past = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const item = await world.createSale({ opensAt: past(2), closesAt: past(1) });
    expect(codeOf(await world.act(item, 'open'))).toBe('invalid-transition');
  });

  it('lets a product into one open sale at a time', async () => {
    const productId = randomId('product');
    const create = async (): Promise<{ saleId: string; productId: string }> => {
      const answer = await world.call('POST', '/admin/v1/sales', { body: saleBody({ productId }) });
      return { saleId: (answer.body as { id: string }).id, productId };
    };
    const [first, second] = [await create(), await create()];
    const answers = await Promise.all([world.act(first, 'open'), world.act(second, 'open')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const [winner, loser] = answers[0].status === 200 ? [first, second] : [second, first];
    expect(codeOf(await world.act(loser, 'open'))).toBe('product-on-sale');
    expect((await world.readSale(loser)).state).toBe('scheduled');
    await world.act(winner, 'pause');
    expect(codeOf(await world.act(loser, 'open'))).toBe('product-on-sale');
    await world.act(winner, 'close');
    expect((await world.act(loser, 'open')).status).toBe(200);
  });

  it('does not open on keys that hold foreign data, and opens when they are gone', async () => {
    const item = await world.createSale();
    const { outbox, passes } = itemKeys(item);
    for (const key of [outbox, passes]) {
      await world.redis.client.set(key, 'not ours');
      const refused = await world.act(item, 'open');
      expect([refused.status, codeOf(refused)]).toEqual([409, 'gate-unsafe']);
      expect((await world.readSale(item)).state).toBe('scheduled');
      await world.redis.client.del(key);
    }
    expect((await world.act(item, 'open')).status).toBe(200);
  });

  it('completes a transition that was cut between PostgreSQL and Redis, by a repeat', async () => {
    const item = await world.createSale();
    const states = world.app.get(SaleStateService);
    for (const action of ['open', 'pause', 'resume', 'close'] as const) {
      await states.move({ actor: 'anna', saleId: item.saleId, action });
      const repeat = await world.act(item, action);
      expect([action, repeat.status]).toEqual([action, 200]);
      const { state, items } = await world.readSale(item);
      expect(items[0]?.gate).toMatchObject({ status: 'ready', state });
      expect(codeOf(await world.act(item, action))).toBe('invalid-transition');
    }
  });

  it('completes it by maintenance too', async () => {
    const item = await world.createSale();
    const states = world.app.get(SaleStateService);
    for (const action of ['open', 'pause', 'resume', 'close'] as const) {
      await states.move({ actor: 'anna', saleId: item.saleId, action });
      await world.maintenance.complete();
      const { state, items } = await world.readSale(item);
      expect(items[0]?.gate).toMatchObject({ status: 'ready', state });
    }
  });

  it('marks a gate that was opened when the mark was lost, and writes it no second time', async () => {
    const item = await world.createSale({}, 2);
    await world.app.get(SaleStateService).move({ actor: 'anna', saleId: item.saleId, action: 'open' });
    const { closesAt, opensAt } = await world.readSale(item);
    await world.gate.open({
      ...item,
      epoch: 1,
      available: 2,
      perShopperLimit: 10,
      opensAtMs: Date.parse(opensAt),
      closesAtMs: Date.parse(closesAt),
      holdMs: 600_000,
    });
    expect(await world.buy(item)).toBe('accepted');
    await world.maintenance.complete();
    expect((await world.readItem(item)).gate).toMatchObject({ status: 'ready', available: 1 });
  });

  it('is driven by two processes at once without harm', async () => {
    const other = await world.addProcess();
    const item = await world.createSale({}, 5);
    await world.app.get(SaleStateService).move({ actor: 'anna', saleId: item.saleId, action: 'open' });
    const drivers = [world.app.get(GateDriver), other.get(GateDriver)];
    await Promise.all([...drivers, ...drivers].map((driver) => driver.drive(item.saleId)));
    expect(await other.get(GateClient).readItem(item)).toMatchObject({
      state: 'open',
      available: 5,
      version: 1,
    });
    expect(await world.redis.client.sismember('outboxes', `${item.saleId}.${item.productId}`)).toBe(1);
  });
});
