import type { ItemRef } from '@flux/contracts';
import { LedgerEntity } from '@flux/ledger';
import type { RebuildAnswer } from '../src/rebuild/rebuild-answer';
import { runRebuildCommand } from '../src/rebuild-command';
import { freePort } from '@flux/testing';
import { type Answer, codeOf, statusAndCode } from './admin.world';
import { RebuildWorld } from './rebuild-world';

jest.setTimeout(60_000);

let world: RebuildWorld;

beforeAll(async () => {
  world = await RebuildWorld.start();
});
afterEach(() => world.retireAll());
afterAll(() => world.stop());

function path({ saleId, productId }: ItemRef): string {
  return `/admin/v1/sales/${saleId}/items/${productId}/rebuild`;
}

async function ask(item: ItemRef): Promise<Answer> {
  return world.admin.call('POST', path(item));
}

async function listed(item: ItemRef): Promise<readonly RebuildAnswer[]> {
  const { body } = await world.admin.call('GET', path(item));
  return (body as { rebuilds: readonly RebuildAnswer[] }).rebuilds;
}

async function aheadItem(): Promise<ItemRef> {
  const item = await world.admin.openSale(3);
  await world.life.confirmed(item);
  await world.admin.dataSource.manager.update(LedgerEntity, { ...item }, { watermark: 0 });
  return item;
}

describe('the operators’ route', () => {
  it('closes a sound item, which is rebuilt by the next round, and shows how far it is', async () => {
    const item = await world.admin.openSale(3);
    await world.life.confirmed(item);
    const asked = await ask(item);
    expect(asked.status).toBe(202);
    const expected = { state: 'running', phase: 'asked', kind: 'asked', reason: 'asked for by anna' };
    expect(asked.body).toMatchObject({ ...item, ...expected, actor: 'anna', doneAt: null, durationMs: null });
    const repeated = await ask(item);
    expect(repeated.body).toEqual(asked.body);

    await world.round();
    const [rebuild] = await listed(item);
    const figures = { epoch: 2, orders: 1, available: 2, attempts: 1, lastFailure: null };
    expect(rebuild).toMatchObject({ state: 'done', phase: 'open', kind: 'asked', ...figures });
    expect(rebuild?.durationMs).toBeGreaterThanOrEqual(0);
    expect(await world.admin.buy(item)).toBe('accepted');
    const rows: unknown = await world.admin.dataSource.query(
      'SELECT actor, action FROM audit_log WHERE subject = $1 ORDER BY id',
      [`${item.saleId}.${item.productId}`],
    );
    expect(rows).toEqual([
      { actor: 'anna', action: 'gate.rebuild.ask' },
      { actor: 'anna', action: 'gate.rebuild.ask' },
      { actor: 'anna', action: 'gate.rebuild' },
    ]);
  });

  it('refuses what cannot be rebuilt, and what must be replayed first', async () => {
    const item = await world.admin.openSale(3);
    const other = { ...item, productId: 'no-such-product' };
    expect(statusAndCode(await ask({ ...item, saleId: 'no-such-sale' }))).toEqual([404, 'unknown-sale']);
    expect(statusAndCode(await ask(other))).toEqual([404, 'unknown-product']);
    expect(codeOf(await world.admin.call('GET', path(other)))).toBe('unknown-product');
    expect(statusAndCode(await ask(await world.admin.createSale()))).toEqual([409, 'sale-not-open']);
    const ahead = await aheadItem();
    expect(statusAndCode(await ask(ahead))).toEqual([409, 'replay-first']);
    expect(await listed(ahead)).toEqual([]);
    expect(await world.admin.buy(ahead)).toBe('accepted');
    await world.retireAll();
    expect(statusAndCode(await ask(item))).toEqual([409, 'sale-closed']);
    expect(statusAndCode(await world.admin.call('POST', path(item), { key: null }))).toEqual([
      401,
      'unauthenticated',
    ]);
  });
});

describe('npm run rebuild', () => {
  async function run(args: readonly string[], env: Record<string, string> = {}) {
    const printed: string[] = [];
    const complained: string[] = [];
    const status = await runRebuildCommand(args, {
      env: { ...world.admin.env, ...env },
      print: (text) => printed.push(text),
      complain: (text) => complained.push(text),
    });
    return { status, printed: printed.join('\n'), complained: complained.join('\n') };
  }

  it('rebuilds, prints how far it is and how long the item was closed', async () => {
    const item = await world.admin.openSale(5);
    await world.life.confirmed(item, { quantity: 2 });
    await world.life.accepted(item);
    await world.lose(item, 'stock');
    const { status, printed, complained } = await run(['--product', item.productId]);
    expect({ status, complained }).toEqual({ status: 0, complained: '' });
    expect(printed.split('\n').map((line) => line.replace(/^ *\d+\.\d s {2}/, ''))).toEqual([
      `${item.saleId}.${item.productId}: closed, asked for by npm run rebuild`,
      'closes the gate',
      'sends what its outbox still holds',
      'waits until the orders processes have applied it (1 entries sent)',
      'begins epoch 2',
      'counts 2 units available',
      '2 orders written',
      'opens with 2 orders',
      'open',
      expect.stringMatching(
        /^open again in epoch 2: 2 orders, 2 units available; closed for \d+\.\d\d s$/,
      ) as string,
    ]);
    expect(await world.gateOf(item)).toMatchObject({ available: 2, epoch: 2 });
  });

  it('ends with 1 where it cannot be done now: nobody applies, several sales, no sale, a replay first', async () => {
    const item = await world.admin.openSale(5);
    await world.life.accepted(item);
    await world.lose(item, 'item');
    await world.stopOrders();
    const late = await run(['--product', item.productId, '--sale', item.saleId, '--wait-ms', '1500']);
    expect(late).toMatchObject({ status: 1, complained: expect.stringContaining('stays closed') as string });
    expect(late.printed).toContain('waits for the orders processes: 1 messages to go');
    await world.startOrders();
    expect((await run(['--product', item.productId])).status).toBe(0);

    const ahead = await aheadItem();
    expect(await run(['--product', ahead.productId])).toMatchObject({
      status: 1,
      complained: expect.stringContaining('npm run replay') as string,
    });
    await world.admin.act(item, 'close');
    const { productId } = item;
    const items = [
      { productId, name: 'Again', priceMinor: 1, currency: 'EUR', stock: 1, perShopperLimit: 1 },
    ];
    const again = await world.admin.createSale({ items });
    await world.admin.act(again, 'open');
    const several = await run(['--product', productId]);
    expect(several.status).toBe(1);
    expect(several.complained).toContain('name one: ');
    for (const saleId of [item.saleId, again.saleId]) expect(several.complained).toContain(saleId);
    expect(await run(['--product', 'nobody-sells-it'])).toMatchObject({
      status: 1,
      complained: 'No sale of nobody-sells-it has a gate.',
    });
    expect((await run(['--product', productId, '--sale', 'no-such-sale'])).status).toBe(1);
  });

  it('gives up what only the gate knows where it is told to, and says so in the audit log', async () => {
    const item = await world.admin.openSale(3);
    const [kept, lost] = [await world.life.confirmed(item), await world.life.confirmed(item)];
    // The backup was older, and Kafka had nothing of the rest.
    const { dataSource } = world.admin;
    await dataSource.query('DELETE FROM orders WHERE order_id = $1', [lost]);
    await dataSource.manager.update(
      LedgerEntity,
      { ...item },
      { watermark: 1, watermarkOrderId: kept, held: 1 },
    );
    const args = ['--product', item.productId];
    expect((await run(args)).status).toBe(1);
    expect(await world.gateOf(item)).toMatchObject({ epoch: 1, available: 1 });

    expect(await run([...args, '--accept-loss'])).toMatchObject({ status: 0, complained: '' });
    expect(await world.gateOf(item)).toMatchObject({ epoch: 2, state: 'open', available: 2 });
    expect(await world.life.statusAtGate(kept)).toBe('confirmed');
    expect(await world.life.statusAtGate(lost)).toBe('unknownOrder');
    const audited: unknown = await dataSource.query(
      "SELECT after FROM audit_log WHERE action = 'gate.rebuild.ask' AND subject = $1",
      [`${item.saleId}.${item.productId}`],
    );
    expect(audited).toEqual([{ after: { suspended: true, acceptLoss: true } }]);
  });

  it.each([
    { args: [], reason: '--product is missing' },
    { args: ['--product', 'a.b'], reason: '--product is not the id of a product' },
    { args: ['--product', 'a', '--sale', '{a}'], reason: '--sale is not the id of a sale' },
    { args: ['--product', 'a', '--wait-ms', 'long'], reason: '--wait-ms is not a number of milliseconds' },
    { args: ['--product', 'a', '--force'], reason: "Unknown option '--force'" },
  ])('ends with 2 and says how it is used: $reason', async ({ args, reason }) => {
    const { status, complained } = await run(args);
    expect(status).toBe(2);
    expect(complained).toContain(reason);
    expect(complained).toContain('usage: npm run rebuild');
  });

  it('explains itself, and ends with 2 where a server is not there', async () => {
    expect(await run(['--help'])).toMatchObject({
      status: 0,
      printed: expect.stringContaining('usage') as string,
    });
    const DATABASE_URL = `postgres://flux:flux@127.0.0.1:${await freePort()}/flux`;
    const { status, complained } = await run(['--product', 'a'], { DATABASE_URL });
    expect(status).toBe(2);
    expect(complained).toMatch(/^The rebuild could not run: .*ECONNREFUSED/);
  });
});
