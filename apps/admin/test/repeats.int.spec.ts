import { AdminWorld, OPERATOR, newKey, type Answer } from './admin.world';

jest.setTimeout(60_000);

describe('S31: an action of an operator that is sent twice', () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());

  const audited = async (action: string): Promise<number> => {
    const rows: unknown[] = await world.dataSource.query('SELECT FROM audit_log WHERE action = $1', [action]);
    return rows.length;
  };

  /** Sends it twice at once and once more, and says what the last answer was and how often it was audited. */
  const repeated = async (
    action: string,
    send: () => Promise<Answer>,
  ): Promise<readonly [number, number]> => {
    const before = await audited(action);
    const atOnce = await Promise.all([send(), send()]);
    expect(Math.min(...atOnce.map(({ status }) => status))).toBeLessThan(300);
    const { status } = await send();
    return [status, (await audited(action)) - before];
  };

  it('opens, pauses, resumes and closes a sale once; the repeat hears that it is there already', async () => {
    const item = await world.createSale();
    for (const action of ['open', 'pause', 'resume', 'close']) {
      const outcome = await repeated(`sale.${action}`, () => world.act(item, action));
      expect([action, ...outcome]).toEqual([action, 409, 1]);
    }
    expect((await world.readSale(item)).state).toBe('closed');
  });

  it('changes a stock once under its key, and a waiting room once', async () => {
    const item = await world.openSale(4);
    const key = newKey();
    expect(await repeated('stock.change', () => world.changeStock(item, 3, key))).toEqual([200, 1]);
    expect((await world.readItem(item)).ledger.initial).toBe(7);
    const path = `/admin/v1/sales/${item.saleId}/waiting-room`;
    const room = { ratePerSecond: 77 };
    const send = () => world.call('POST', path, { body: room });
    expect(await repeated('sale.waiting-room', send)).toEqual([200, 1]);
  });

  it('writes a rule of access once', async () => {
    const body = { list: 'deny', kind: 'shopper', value: 'mallory', reason: 'Resells' };
    const send = () => world.call('POST', '/admin/v1/access-rules', { body });
    expect(await repeated('access-rule.create', send)).toEqual([200, 1]);
  });

  it('revokes a key once', async () => {
    const body = { name: 'otto', role: 'operator' };
    const created = await world.call('POST', '/admin/v1/keys', { key: OPERATOR.key, body });
    const { id } = created.body as { readonly id: string };
    const send = () => world.call('DELETE', `/admin/v1/keys/${id}`);
    expect(await repeated('key.revoke', send)).toEqual([204, 1]);
  });
});
