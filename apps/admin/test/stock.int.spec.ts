import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { LedgerEntity, StockChangeEntity } from '@flux/ledger';
import { TcpProxy, connectGate, gateConfig, opening, waitUntil } from '@flux/testing';
import { StockChangeCompletion } from '../src/stock/stock-change-completion';
import { type NewStockChange, StockChangeStart } from '../src/stock/stock-change-start';
import { AdminWorld, codeOf, newKey } from './admin.world';

jest.setTimeout(60_000);

describe('stock changes', () => {
  let world: AdminWorld;
  let proxy: TcpProxy;
  beforeAll(async () => {
    world = await AdminWorld.start({
      settings: { FLUX_REDIS_COMMAND_TIMEOUT_MS: '1500' },
      redisUrl: async ({ port }) => {
        proxy = await TcpProxy.start({ host: '127.0.0.1', port });
        return `redis://127.0.0.1:${proxy.port}`;
      },
    });
  });
  afterEach(() => waitForGate());
  afterAll(async () => {
    await world.stop();
    await proxy.stop();
  });

  async function waitForGate(): Promise<void> {
    proxy.set('pass');
    await waitUntil('the gate is connected', () => world.gate.isReady());
  }

  async function units(item: ItemRef): Promise<{ readonly ledger: number; readonly gate: number }> {
    const { initial } = await world.dataSource.manager.findOneByOrFail(LedgerEntity, { ...item });
    return { ledger: initial, gate: Number(await world.redis.client.get(itemKeys(item).stock)) };
  }

  function newChange(item: ItemRef, delta: number): NewStockChange {
    return { ...item, id: randomUUID(), delta, reason: 'A count', actor: 'anna' };
  }

  describe('applied at once', () => {
    it('adds to ledger and gate, and withdraws from both', async () => {
      const item = await world.openSale(5);
      const added = await world.changeStock(item, 3);
      expect(added.status).toBe(200);
      expect(added.body).toMatchObject({ ...item, delta: 3, reason: 'A count', state: 'applied' });
      expect(await units(item)).toEqual({ ledger: 8, gate: 8 });
      expect((await world.changeStock(item, -8)).status).toBe(200);
      expect(await units(item)).toEqual({ ledger: 0, gate: 0 });
    });

    it('refuses to withdraw more than is available, and changes nothing', async () => {
      const item = await world.openSale(5);
      await world.buy(item, 2);
      const key = newKey();
      for (const headers of [key, key]) {
        const answer = await world.changeStock(item, -4, headers);
        expect([answer.status, codeOf(answer)]).toEqual([409, 'insufficient-stock']);
        expect(await units(item)).toEqual({ ledger: 5, gate: 3 });
      }
      await world.maintenance.complete();
      expect(await units(item)).toEqual({ ledger: 5, gate: 3 });
      expect((await world.changeStock(item, -3)).status).toBe(200);
    });

    it('is the ledger’s alone before the sale opens, and ends with the sale', async () => {
      const item = await world.createSale({}, 5);
      expect((await world.changeStock(item, 5)).status).toBe(200);
      expect((await world.changeStock(item, -9)).status).toBe(200);
      expect(codeOf(await world.changeStock(item, -2))).toBe('insufficient-stock');
      expect((await world.readItem(item)).ledger.initial).toBe(1);
      await world.act(item, 'open');
      expect(await units(item)).toEqual({ ledger: 1, gate: 1 });
      await world.act(item, 'close');
      expect((await world.changeStock(item, 1)).status).toBe(200);
      await world.dataSource.query("UPDATE sales SET state = 'retired' WHERE id = $1", [item.saleId]);
      expect(codeOf(await world.changeStock(item, 1))).toBe('sale-closed');
    });

    it('never gives an item more units than an item may have', async () => {
      const item = await world.openSale(5);
      const answer = await world.changeStock(item, 9_999_996);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ errors: [{ pointer: '/delta' }] });
      expect(await units(item)).toEqual({ ledger: 5, gate: 5 });
    });

    it('waits while the gate of an open sale is not opened or is suspended', async () => {
      const item = await world.createSale({}, 5);
      await world.dataSource.query("UPDATE sales SET state = 'open' WHERE id = $1", [item.saleId]);
      expect(codeOf(await world.changeStock(item, 1))).toBe('not-ready');
      await world.maintenance.complete();
      expect((await world.changeStock(item, 1)).status).toBe(200);
      await world.dataSource.manager.update(LedgerEntity, { ...item }, { suspendedReason: 'rewound' });
      expect(codeOf(await world.changeStock(item, 1))).toBe('not-ready');
      expect(await units(item)).toEqual({ ledger: 6, gate: 6 });
    });
  });

  describe('under a key', () => {
    it.each([4, -2])('applies %d once, however often and however parallel it is sent', async (delta) => {
      const item = await world.openSale(5);
      const key = newKey();
      const answers = await Promise.all(Array.from({ length: 6 }, () => world.changeStock(item, delta, key)));
      answers.push(
        await world.changeStock(item, delta, { 'idempotency-key': `"${key['idempotency-key'] ?? ''}"` }),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(await units(item)).toEqual({ ledger: 5 + delta, gate: 5 + delta });
    });

    it('refuses another change, and knows the key per item', async () => {
      const [item, other] = [await world.openSale(5), await world.openSale(5)];
      const key = newKey();
      await world.changeStock(item, 1, key);
      const answer = await world.changeStock(item, 2, key);
      expect([answer.status, codeOf(answer)]).toEqual([422, 'idempotency-key-reused']);
      expect(await units(item)).toEqual({ ledger: 6, gate: 6 });
      expect((await world.changeStock(other, 2, key)).status).toBe(200);
    });

    it('keeps no raw key', async () => {
      const item = await world.openSale(5);
      const key = newKey();
      await world.changeStock(item, 1, key);
      const rows: unknown = await world.dataSource.query('SELECT * FROM stock_changes, audit_log');
      expect(JSON.stringify(rows)).not.toContain(key['idempotency-key']);
    });
  });

  describe('cut by a crash', () => {
    const start = async (change: NewStockChange): Promise<void> => {
      const started = await world.app.get(StockChangeStart).start(change);
      expect(started.outcome).toBe('started');
    };
    const adjustGate = async (change: NewStockChange): Promise<void> => {
      const { id: changeId, saleId, productId, delta } = change;
      const answer = await world.gate.adjust({ saleId, productId, epoch: 1, changeId, delta });
      expect(answer.outcome).toBe('applied');
    };
    const stateOf = async (change: NewStockChange): Promise<string | undefined> =>
      (await world.dataSource.manager.findOneBy(StockChangeEntity, { id: change.id }))?.state;

    it.each([3, -3])('%d: after the first transaction, maintenance completes it', async (delta) => {
      const item = await world.openSale(5);
      const change = newChange(item, delta);
      await start(change);
      // Never more at the gate than in the ledger.
      expect(await units(item)).toEqual({ ledger: delta > 0 ? 8 : 5, gate: 5 });
      await world.maintenance.complete();
      await world.maintenance.complete();
      expect([await stateOf(change), await units(item)]).toEqual([
        'applied',
        { ledger: 5 + delta, gate: 5 + delta },
      ]);
    });

    it.each([3, -3])(
      '%d: after the gate, maintenance completes it and applies it no second time',
      async (delta) => {
        const item = await world.openSale(5);
        const change = newChange(item, delta);
        await start(change);
        await adjustGate(change);
        expect(await units(item)).toEqual({ ledger: delta > 0 ? 8 : 5, gate: 5 + delta });
        await world.maintenance.complete();
        expect([await stateOf(change), await units(item)]).toEqual([
          'applied',
          { ledger: 5 + delta, gate: 5 + delta },
        ]);
      },
    );

    it('a withdrawal that was started and is not possible any more is refused', async () => {
      const item = await world.openSale(3);
      const change = newChange(item, -3);
      await start(change);
      await world.buy(item);
      await world.maintenance.complete();
      expect([await stateOf(change), await units(item)]).toEqual(['refused', { ledger: 3, gate: 2 }]);
    });
  });

  describe('without Redis', () => {
    it('adds in the ledger, says that it is pending, and completes by a repeat or by maintenance', async () => {
      const [item, other] = [await world.openSale(5), await world.openSale(5)];
      const key = newKey();
      proxy.set('cut');
      await waitUntil('the gate is away', () => !world.gate.isReady());
      const answers = [await world.changeStock(item, 2, key), await world.changeStock(other, 2)];
      expect(answers.map(({ status }) => status)).toEqual([202, 202]);
      expect(answers[0]?.body).toMatchObject({ state: 'pending', delta: 2 });
      expect(await units(item)).toEqual({ ledger: 7, gate: 5 });
      await waitForGate();
      const repeat = await world.changeStock(item, 2, key);
      expect([repeat.status, repeat.body]).toMatchObject([200, { state: 'applied', delta: 2 }]);
      await world.maintenance.complete();
      expect([await units(item), await units(other)]).toEqual([
        { ledger: 7, gate: 7 },
        { ledger: 7, gate: 7 },
      ]);
    });

    it('withdraws nothing, now and later', async () => {
      const item = await world.openSale(5);
      const key = newKey();
      proxy.set('cut');
      await waitUntil('the gate is away', () => !world.gate.isReady());
      const answer = await world.changeStock(item, -2, key);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'temporarily-unavailable']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      await waitForGate();
      await world.maintenance.complete();
      expect(await units(item)).toEqual({ ledger: 5, gate: 5 });
      expect((await world.changeStock(item, -2, key)).status).toBe(200);
      expect(await units(item)).toEqual({ ledger: 3, gate: 3 });
    });

    it('says that the outcome of a withdrawal is unknown, and then has exactly one', async () => {
      const item = await world.openSale(5);
      const key = newKey();
      proxy.set('hold-answers');
      const answer = await world.changeStock(item, -2, key);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'outcome-unknown']);
      proxy.set('cut');
      await waitUntil('the gate is away', () => !world.gate.isReady());
      expect(codeOf(await world.changeStock(item, -2, key))).toBe('outcome-unknown');
      await waitForGate();
      expect((await world.changeStock(item, -2, key)).status).toBe(200);
      await world.maintenance.complete();
      expect(await units(item)).toEqual({ ledger: 3, gate: 3 });
    });
  });

  describe('and a rebuild', () => {
    /** As the rebuild does it: the ledger's epoch first, then the gate from what the ledger has. */
    async function rebuild(item: ItemRef): Promise<void> {
      await world.dataSource.manager.update(LedgerEntity, { ...item }, { epoch: 2 });
      const { initial } = await world.dataSource.manager.findOneByOrFail(LedgerEntity, { ...item });
      const { item: hash, stock, changes } = itemKeys(item);
      await world.redis.client.del(hash, stock, changes);
      const direct = await connectGate(gateConfig(world.redis.url));
      const opened = await direct.gate.open(opening(item, { epoch: 2, available: initial }));
      direct.connection.close();
      expect(opened.outcome).toBe('opened');
    }

    it('counts added units once', async () => {
      const item = await world.openSale(5);
      const change = newChange(item, 2);
      await world.app.get(StockChangeStart).start(change);
      await rebuild(item);
      await world.maintenance.complete();
      expect(await units(item)).toEqual({ ledger: 7, gate: 7 });
    });

    it('takes a withdrawal from the new gate where the old one had given it up', async () => {
      const item = await world.openSale(5);
      const change = newChange(item, -2);
      await world.app.get(StockChangeStart).start(change);
      proxy.set('hold-answers');
      const completing = world.app.get(StockChangeCompletion).complete(change.id, 'first');
      await waitUntil('the old gate has given the units up', async () => (await units(item)).gate === 3);
      await rebuild(item);
      expect(await units(item)).toEqual({ ledger: 5, gate: 5 });
      proxy.set('pass');
      expect((await completing).outcome).toBe('applied');
      expect(await units(item)).toEqual({ ledger: 3, gate: 3 });
    });
  });
});
