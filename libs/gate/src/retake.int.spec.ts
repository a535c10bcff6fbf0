import { endOf, GateWorld, randomItem } from '@flux/testing';
import { itemKeys } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

const released = (count: number): object => ({ outcome: 'released', released: count });

describe('retake', () => {
  it('takes units for a late payment once per change, and counts them', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 4 });
    await world.release(item, endOf(order));
    const late = { ...item, ...order, epoch: 1, changeId: 'pay:1' };
    expect(await world.gate.retake(late)).toEqual({ outcome: 'taken' });
    const before = await world.everything(item);
    expect(await world.gate.retake(late)).toEqual({ outcome: 'done' });
    expect(await world.everything(item)).toEqual(before);
    expect(await world.itemNow(item)).toMatchObject({ available: 6, version: 2 });
    expect(await world.countOf(item, order.shopperId)).toBe('4');
    await world.settle(item, { states: [{ ...order, status: 'paid', changedAtMs: 1 }] });
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({ order: { status: 'paid' } });
    expect(await world.countOf(item, order.shopperId)).toBe('4');
    expect(await world.release(item, endOf(order))).toEqual(released(0));
  });

  it('may be given back, whatever the record says, and taken again by another change', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 4 });
    await world.release(item, endOf(order));
    const late = { ...item, ...order, epoch: 1 };
    const back = endOf(order, { changeId: 'back:1', status: undefined });
    await world.gate.retake({ ...late, changeId: 'pay:1' });
    expect(await world.release(item, back)).toEqual(released(1));
    expect(await world.release(item, back)).toEqual(released(0));
    expect(await world.itemNow(item)).toMatchObject({ available: 10 });
    expect(await world.countOf(item, order.shopperId)).toBe('0');
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({ order: { status: 'expired' } });
    expect(await world.gate.retake({ ...late, changeId: 'pay:1' })).toEqual({ outcome: 'done' });
    expect(await world.gate.retake({ ...late, changeId: 'pay:2' })).toEqual({ outcome: 'taken' });
    expect(await world.itemNow(item)).toMatchObject({ available: 6 });
    // The ledger had no free unit: only the count goes back. Without a record too.
    await world.server.client.hdel(itemKeys(item).orders, order.orderId);
    expect(await world.release(item, { ...back, changeId: 'back:2', units: 0 })).toEqual(released(1));
    expect(await world.itemNow(item)).toMatchObject({ available: 6 });
    expect(await world.countOf(item, order.shopperId)).toBe('0');
  });

  it('takes neither what is not there nor more than a shopper may have, and may try again', async () => {
    const item = await world.opened({ available: 5, perShopperLimit: 4 });
    const order = await world.accepted(item, { quantity: 3 });
    const late = { ...item, epoch: 1, changeId: 'pay:1', shopperId: order.shopperId, quantity: 2 };
    const other = { ...late, shopperId: 'other', quantity: 3 };
    const before = await world.everything(item);
    expect(await world.gate.retake(late)).toEqual({ outcome: 'shopperLimit' });
    expect(await world.gate.retake(other)).toEqual({ outcome: 'insufficient' });
    expect(await world.everything(item)).toEqual(before);
    await world.release(item, endOf(order));
    expect(await world.gate.retake(other)).toEqual({ outcome: 'taken' });
    expect(await world.countOf(item, 'other')).toBe('3');
  });

  it('is done in a newer epoch, not ready in an older one, and knows paused, closed, suspended and gone', async () => {
    const item = await world.opened({ epoch: 2 });
    const late = { ...item, shopperId: 'ann', quantity: 1 };
    const before = await world.everything(item);
    expect(await world.gate.retake({ ...late, epoch: 1, changeId: '1' })).toEqual({ outcome: 'done' });
    expect(await world.gate.retake({ ...late, epoch: 3, changeId: '1' })).toEqual({ outcome: 'notReady' });
    expect(await world.gate.retake({ ...late, ...randomItem(), epoch: 2, changeId: '1' })).toEqual({
      outcome: 'gone',
    });
    expect(await world.everything(item)).toEqual(before);
    await world.gate.pause(item);
    expect(await world.gate.retake({ ...late, epoch: 2, changeId: '1' })).toEqual({ outcome: 'taken' });
    await world.gate.close(item);
    expect(await world.gate.retake({ ...late, epoch: 2, changeId: '2' })).toEqual({ outcome: 'taken' });
    await world.gate.suspend({ ...item, epoch: 2 });
    expect(await world.gate.retake({ ...late, epoch: 2, changeId: '2' })).toEqual({ outcome: 'done' });
    expect(await world.gate.retake({ ...late, epoch: 2, changeId: '3' })).toEqual({ outcome: 'notReady' });
    const half = await world.opened();
    await world.server.client.del(itemKeys(half).stock);
    expect(await world.gate.retake({ ...late, ...half, epoch: 1, changeId: '1' })).toEqual({
      outcome: 'notReady',
    });
    expect(await world.server.client.exists(itemKeys(half).stock)).toBe(0);
  });
});
