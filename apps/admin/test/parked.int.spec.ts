import type { ItemRef, ShopOrderDetail } from '@flux/contracts';
import { LedgerEntity } from '@flux/ledger';
import { waitUntil } from '@flux/testing';
import { AdminWorld, type Answer, codeOf, statusAndCode } from './admin.world';
import { OrderLife } from './order-life';

jest.setTimeout(60_000);

describe('messages that were put aside', () => {
  let world: AdminWorld;
  let life: OrderLife;
  beforeAll(async () => {
    world = await AdminWorld.start();
    life = new OrderLife(world);
  });
  afterAll(() => world.stop());

  const act = (id: string, action: 'retry' | 'discard'): Promise<Answer> =>
    world.call('POST', `/admin/v1/parked/${id}/${action}`);
  const detail = async (orderId: string): Promise<ShopOrderDetail> =>
    (await world.shop('GET', `/orders/${orderId}`)).body as ShopOrderDetail;

  async function ledger({ saleId, productId }: ItemRef): Promise<readonly [number, number]> {
    const { held, parked } = await world.dataSource.manager.findOneByOrFail(LedgerEntity, {
      saleId,
      productId,
    });
    return [held, parked];
  }

  async function audited(id: string): Promise<unknown> {
    return world.dataSource.query(
      'SELECT actor, action, before, after FROM audit_log WHERE subject = $1 ORDER BY id',
      [`parked.${id}`],
    );
  }

  async function stateOf(id: string): Promise<unknown> {
    const { body } = await world.call('GET', '/admin/v1/parked?limit=100');
    const { messages } = body as { messages: { id: string; state: string; resolvedAt: string | null }[] };
    const found = messages.find((message) => message.id === id);
    return [found?.state, found?.resolvedAt !== null];
  }

  it('are retried: their orders are confirmed, the gate hears of it, the operator is named', async () => {
    const item = await world.openSale(5);
    const { orderIds, messageId } = await life.parked(item, [{ quantity: 2 }, {}]);
    expect(await ledger(item)).toEqual([0, 3]);
    expect(await Promise.all(orderIds.map((orderId) => life.statusAtGate(orderId)))).toEqual([
      'accepted',
      'accepted',
    ]);
    const answer = await act(messageId, 'retry');
    expect(answer).toMatchObject({
      status: 200,
      body: { id: messageId, state: 'retried', confirmed: 2, waiting: 0 },
    });
    expect(await ledger(item)).toEqual([3, 0]);
    for (const orderId of orderIds) {
      await waitUntil('the gate has heard', async () => (await life.statusAtGate(orderId)) === 'confirmed');
      const { status, holdUntil, history } = await detail(orderId);
      expect([status, history.map((entry) => entry.status)]).toEqual([
        'confirmed',
        ['accepted', 'confirmed'],
      ]);
      expect(Date.parse(holdUntil ?? '')).toBeGreaterThan(Date.now());
    }
    expect(await audited(messageId)).toEqual([
      {
        actor: 'anna',
        action: 'parked.retry',
        before: { state: 'parked' },
        after: { state: 'retried', confirmed: 2, waiting: 0 },
      },
    ]);
    expect(await stateOf(messageId)).toEqual(['retried', true]);
  });

  it('stay while units lack, and are retried when there are some', async () => {
    const item = await world.openSale(5);
    // The gate has given away more than the ledger has.
    const { orderIds, messageId } = await life.parked(item, [{ quantity: 2 }, { quantity: 2 }], { stock: 3 });
    expect(await ledger(item)).toEqual([0, 3]);
    expect((await act(messageId, 'retry')).body).toEqual({
      id: messageId,
      state: 'parked',
      confirmed: 1,
      waiting: 1,
    });
    expect(await stateOf(messageId)).toEqual(['parked', false]);
    expect((await act(messageId, 'retry')).body).toMatchObject({ confirmed: 0, waiting: 1 });
    await world.dataSource.query('UPDATE ledger SET initial = 4 WHERE sale_id = $1', [item.saleId]);
    expect((await act(messageId, 'retry')).body).toMatchObject({
      state: 'retried',
      confirmed: 1,
      waiting: 0,
    });
    expect(await Promise.all(orderIds.map(async (orderId) => (await detail(orderId)).status))).toEqual([
      'confirmed',
      'confirmed',
    ]);
    // The retry that changed nothing left nothing.
    expect(await audited(messageId)).toMatchObject([
      { after: { state: 'parked', confirmed: 1, waiting: 1 } },
      { after: { state: 'retried', confirmed: 1, waiting: 0 } },
    ]);
  });

  it('are discarded: their orders are cancelled, units and count go back', async () => {
    const item = await world.openSale(5);
    const { orderIds, messageId } = await life.parked(item, [{ quantity: 2, shopperId: 'ann' }]);
    const answer = await act(messageId, 'discard');
    expect(answer).toMatchObject({ status: 200, body: { id: messageId, state: 'discarded', cancelled: 1 } });
    expect(await ledger(item)).toEqual([0, 0]);
    await waitUntil('the units are back', async () => (await world.gate.readItem(item))?.available === 5);
    expect((await detail(orderIds[0] ?? '')).status).toBe('cancelled');
    expect(await life.statusAtGate(orderIds[0] ?? '')).toBe('cancelled');
    expect(await audited(messageId)).toMatchObject([{ actor: 'anna', action: 'parked.discard' }]);
    expect(await stateOf(messageId)).toEqual(['discarded', true]);
  });

  it('are resolved once, whoever asks at the same time', async () => {
    const item = await world.openSale(5);
    const { messageId } = await life.parked(item, [{}, {}]);
    const answers = await Promise.all([
      ...Array.from({ length: 3 }, () => act(messageId, 'retry')),
      ...Array.from({ length: 3 }, () => act(messageId, 'discard')),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const refused = answers.filter(({ status }) => status === 409);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['message-resolved']));
    expect(await audited(messageId)).toHaveLength(1);
    for (const action of ['retry', 'discard'] as const) {
      expect(statusAndCode(await act(messageId, action))).toEqual([409, 'message-resolved']);
    }
  });

  it('are resolved together with their audit entry, or not at all', async () => {
    const item = await world.openSale(5);
    const { messageId } = await life.parked(item, [{}]);
    await world.dataSource.query('ALTER TABLE audit_log RENAME TO audit_log_away');
    for (const action of ['retry', 'discard'] as const) {
      expect((await act(messageId, action)).status).toBe(503);
    }
    await world.dataSource.query('ALTER TABLE audit_log_away RENAME TO audit_log');
    expect(await stateOf(messageId)).toEqual(['parked', false]);
    expect(await ledger(item)).toEqual([0, 1]);
    expect((await act(messageId, 'retry')).status).toBe(200);
    expect(await audited(messageId)).toHaveLength(1);
  });

  it('that nobody can read stay, with the reason, and can be given up', async () => {
    const [row]: { readonly id: string }[] = await world.dataSource.query(
      `INSERT INTO parked_messages (topic, partition, message_offset, value, headers, reason)
       VALUES ('orders-accepted.v1', 3, 1, 'garbage', '{"orders":"secret"}', 'the body is not JSON') RETURNING id`,
    );
    const id = row?.id ?? '';
    const answer = await act(id, 'retry');
    expect(statusAndCode(answer)).toEqual([409, 'still-unprocessable']);
    expect(JSON.stringify(answer.body)).not.toMatch(/garbage|secret/);
    expect(await stateOf(id)).toEqual(['parked', false]);
    expect(await audited(id)).toEqual([]);
    expect((await act(id, 'discard')).body).toEqual({ id, state: 'discarded', cancelled: 0 });
  });

  it('that are not there are a 404, and ids of another form a 400', async () => {
    for (const action of ['retry', 'discard'] as const) {
      expect(statusAndCode(await act('999999', action))).toEqual([404, 'unknown-message']);
      for (const id of ['x', '-1', '1.5', '9'.repeat(19)]) {
        expect(statusAndCode(await act(id, action))).toEqual([400, 'invalid-request']);
      }
    }
  });

  it('are resolved without Redis too, which hears of it later', async () => {
    const item = await world.openSale(5);
    const { orderIds, messageId } = await life.parked(item, [{}]);
    await world.redis.kill();
    await waitUntil('the gate is away', () => !world.gate.isReady());
    expect((await act(messageId, 'discard')).status).toBe(200);
    await world.redis.restart();
    await waitUntil('the gate is back', () => world.gate.isReady());
    expect(await life.statusAtGate(orderIds[0] ?? '')).toBe('accepted');
    await life.tellGate();
    expect(await life.statusAtGate(orderIds[0] ?? '')).toBe('cancelled');
    expect((await world.gate.readItem(item))?.available).toBe(5);
  });
});
