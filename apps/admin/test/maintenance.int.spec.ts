import type { ItemRef } from '@flux/contracts';
import { Catalogue, Outboxes, itemKeys } from '@flux/gate';
import { LedgerEntity } from '@flux/ledger';
import { randomId, waitUntil } from '@flux/testing';
import { MaintenanceLoop } from '../src/maintenance/maintenance.loop';
import { MaintenanceService } from '../src/maintenance/maintenance.service';
import { AdminWorld, codeOf, saleBody } from './admin.world';

jest.setTimeout(60_000);

describe('maintenance', () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());

  it('publishes a sale as soon as it is defined, and each state after', async () => {
    const item = await world.createSale({}, 25);
    const catalogue = world.app.get(Catalogue);
    expect(await catalogue.find(item.productId)).toMatchObject({ outcome: 'known', saleIds: [item.saleId] });
    expect(await catalogue.sale(item.saleId)).toMatchObject({
      state: 'scheduled',
      items: [{ productId: item.productId, priceMinor: 1_999, lowBelow: 2 }],
    });
    for (const [action, state] of [
      ['open', 'open'],
      ['pause', 'paused'],
      ['resume', 'open'],
      ['close', 'closed'],
    ] as const) {
      await world.act(item, action);
      expect((await catalogue.sale(item.saleId))?.state).toBe(state);
    }
  });

  it('names the sales of a product newest first', async () => {
    const productId = randomId('product');
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const answer = await world.call('POST', '/admin/v1/sales', { body: saleBody({ productId }) });
      ids.unshift((answer.body as { id: string }).id);
    }
    expect(await world.app.get(Catalogue).find(productId)).toMatchObject({ saleIds: ids });
  });

  it('writes catalogue and records again when Redis has lost them, and lists the outboxes', async () => {
    const item = await world.openSale();
    const catalogue = world.app.get(Catalogue);
    await world.redis.client.del('catalogue', `sale:${item.saleId}`, 'outboxes');
    await world.maintenance.close();
    expect(await catalogue.find(item.productId)).toMatchObject({ saleIds: [item.saleId] });
    expect(await catalogue.sale(item.saleId)).toMatchObject({ state: 'open' });
    await world.redis.client.set(`sale:${item.saleId}`, 'garbage');
    await world.maintenance.complete();
    expect(await catalogue.sale(item.saleId)).toMatchObject({ state: 'open' });
    expect(await world.app.get(Outboxes).list()).toContainEqual(item);
  });

  it.each(['everything', 'item', 'stock'])(
    'never writes a gate again that was open: %s is lost',
    async (lost) => {
      const item = await world.openSale(5);
      await world.buy(item);
      if (lost === 'everything') await world.redis.client.flushall();
      else await world.redis.client.del(itemKeys(item)[lost as 'item' | 'stock']);
      await world.maintenance.complete();
      await world.act(item, 'pause');
      await world.act(item, 'resume');
      await world.maintenance.complete();
      expect(await world.buy(item)).toBe('notReady');
      expect(await world.redis.client.exists(itemKeys(item).stock)).toBe(lost === 'item' ? 1 : 0);
      const { gate } = await world.readItem(item);
      expect(gate).toMatchObject(
        lost === 'stock' ? { status: 'ready', available: null } : { status: 'missing' },
      );
    },
  );

  it('suspends what the ledger suspended, shows it, and resumes it for nobody', async () => {
    const item = await world.openSale(5);
    await world.dataSource.manager.update(LedgerEntity, { ...item }, { suspendedReason: 'Redis went back' });
    await world.maintenance.complete();
    await world.act(item, 'pause');
    await world.act(item, 'resume');
    await world.maintenance.complete();
    expect(await world.readItem(item)).toMatchObject({
      gate: { status: 'ready', state: 'suspended' },
      ledger: { suspendedReason: 'Redis went back' },
    });
    expect(await world.buy(item)).toBe('notReady');
  });

  it('says which items are stuck', async () => {
    const before =
      (await world.maintenance.complete())?.filter((problem) => problem === 'missing').length ?? 0;
    const item = await world.openSale();
    await world.redis.client.del(itemKeys(item).item);
    const after = (await world.maintenance.complete())?.filter((problem) => problem === 'missing').length;
    expect(after).toBe(before + 1);
  });

  it('closes sales at closesAt, whatever their state, by itself', async () => {
    const items: ItemRef[] = [];
    for (const actions of [[], ['open'], ['open', 'pause']]) {
      const item = await world.createSale();
      for (const action of actions) await world.act(item, action);
      items.push(item);
    }
    const running = await world.openSale();
    const loop = world.app.get(MaintenanceLoop);
    loop.start();
    try {
      for (const { saleId } of items) {
        await world.dataSource.query("UPDATE sales SET closes_at = now() + interval '300 ms' WHERE id = $1", [
          saleId,
        ]);
      }
      for (const item of items) {
        await waitUntil('the sale is closed', async () => (await world.readSale(item)).state === 'closed');
      }
      await waitUntil('the gates are closed', async () => {
        const states = await Promise.all(items.slice(1).map((item) => world.gate.readItem(item)));
        return states.every((gate) => gate?.state === 'closed');
      });
    } finally {
      await loop.stop();
    }
    expect((await world.readSale(running)).state).toBe('open');
    const rows: unknown = await world.dataSource.query(
      `SELECT actor, before, after FROM audit_log WHERE subject = $1 AND action = 'sale.close'`,
      [items[2]?.saleId],
    );
    expect(rows).toEqual([{ actor: 'system', before: { state: 'paused' }, after: { state: 'closed' } }]);
  });

  it('is harmless in two processes at once', async () => {
    const other = (await world.addProcess()).get(MaintenanceService);
    const item = await world.openSale(5);
    await world.dataSource.query('UPDATE sales SET closes_at = now() WHERE id = $1', [item.saleId]);
    const both = [world.maintenance, other];
    await Promise.all(both.flatMap((one) => [one.close(), one.complete(), one.close(), one.complete()]));
    await world.maintenance.close();
    await world.maintenance.complete();
    expect(await world.readSale(item)).toMatchObject({
      state: 'closed',
      items: [{ gate: { state: 'closed', available: 5 } }],
    });
    const rows: unknown = await world.dataSource.query(
      "SELECT count(*)::int AS count FROM audit_log WHERE subject = $1 AND action = 'sale.close'",
      [item.saleId],
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('goes on after a round that failed', async () => {
    const item = await world.openSale();
    await world.redis.client.flushall();
    await world.redis.kill();
    await waitUntil('the gate is away', () => !world.gate.isReady());
    await expect(world.maintenance.complete()).rejects.toThrow('unavailable');
    await world.redis.restart();
    await waitUntil('the gate is back', () => world.gate.isReady());
    await world.maintenance.complete();
    expect(await world.app.get(Catalogue).sale(item.saleId)).toMatchObject({ state: 'open' });
  });
});

describe('transitions without Redis', () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());

  it('open nothing, store the rest, and are completed when Redis is back', async () => {
    const [scheduled, open] = [await world.createSale(), await world.openSale()];
    await world.redis.kill();
    await waitUntil('the gate is away', () => !world.gate.isReady());

    const defined = await world.call('POST', '/admin/v1/sales', { body: saleBody() });
    expect(defined.status).toBe(201);
    for (const [item, action] of [
      [scheduled, 'open'],
      [open, 'pause'],
    ] as const) {
      const answer = await world.act(item, action);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'temporarily-unavailable']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    expect((await world.readSale(scheduled)).state).toBe('scheduled');
    expect(await world.readSale(open)).toMatchObject({
      state: 'paused',
      items: [{ gate: { status: 'unreachable' } }],
    });

    await world.redis.restart();
    await waitUntil('the gate is back', () => world.gate.isReady());
    expect((await world.act(open, 'pause')).status).toBe(200);
    expect(await world.buy(open)).toBe('notOpen');
    expect((await world.act(scheduled, 'open')).status).toBe(200);
    await world.maintenance.complete();
    const { id } = defined.body as { id: string };
    expect(await world.app.get(Catalogue).sale(id)).toMatchObject({ state: 'scheduled' });
  });
});

describe('memory of Redis', () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start({ redisConfig: { maxmemory: '64mb' } });
  });
  afterAll(() => world.stop());

  it('must hold a buyer of every unit of the open sales before another opens', async () => {
    const [small, another] = [await world.createSale({}, 50_000), await world.createSale({}, 50_000)];
    const large = await world.createSale({}, 100_000);
    const refused = await world.act(large, 'open');
    expect([refused.status, codeOf(refused)]).toEqual([409, 'insufficient-memory']);
    expect((await world.readSale(large)).state).toBe('scheduled');
    expect((await world.act(small, 'open')).status).toBe(200);
    expect(codeOf(await world.act(another, 'open'))).toBe('insufficient-memory');
    await world.act(small, 'close');
    expect((await world.act(another, 'open')).status).toBe(200);
  });
});
