import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { LifeWorld, RemoteProcess, idsOf, type LifeProcess } from './life-world';

jest.setTimeout(120_000);

let world: LifeWorld;
let near: LifeProcess;
let other: LifeProcess;
let far: RemoteProcess;
let remote: LifeProcess;

beforeAll(async () => {
  world = await LifeWorld.start();
  [near, other, far] = await Promise.all([world.process(), world.process(), RemoteProcess.start(world)]);
  remote = far.process;
});
afterAll(async () => {
  await world.stop();
  await far.proxy.stop();
});
beforeEach(() => far.mend());

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.sale.clients.gate.readItem(item))?.available;
}

function keysOf(item: ItemRef): string[] {
  return Object.values<string>({ ...itemKeys(item) });
}

async function untold(): Promise<number> {
  const [row]: { readonly count: number }[] = await world.manager.query(
    'SELECT count(*)::integer AS count FROM orders WHERE gate_epoch IS NOT NULL',
  );
  return row!.count;
}

describe('a state that the gate did not hear of', () => {
  it('is told later, once, though two processes tell it at the same time', async () => {
    const { item, orderIds } = await world.confirmed(450);
    await world.runOut(orderIds);
    await far.cut();
    expect(await remote.expire()).toHaveLength(450);
    expect(await available(item)).toBe(0);
    expect(await untold()).toBe(450);

    await Promise.all([near.tellGate.tellDue(100, 0), other.tellGate.tellDue(130, 0)]);
    await near.tellGate.tellDue(1_000, 0);
    expect(await untold()).toBe(0);
    expect(await available(item)).toBe(450);
    expect(await near.tellGate.tellDue(1_000, 0)).toEqual({ outcome: 'told', orders: 0 });
    await world.expectBalanced(item);
  });

  it('whose answer was lost is told again, without effect', async () => {
    const { item, orderIds } = await world.confirmed(250);
    await world.runOut(orderIds);
    far.proxy.set('hold-answers');
    const ended = idsOf(await remote.holds.expireDue(1_000));
    const told = await remote.tellGate.tell(item, ended);
    expect(told).toMatchObject({ outcome: 'later', orders: 0 });
    await waitUntil('the gate has it all the same', async () => (await available(item)) === 250);
    expect(await untold()).toBe(250);
    expect(await near.tellGate.tellDue(1_000, 0)).toEqual({ outcome: 'told', orders: 250 });
    expect(await available(item)).toBe(250);
    await world.expectBalanced(item);
  });

  it('is left for a while to those who committed it', async () => {
    const { item, orderIds } = await world.confirmed(1);
    await far.cut();
    await remote.cancellations.cancel({ orderId: orderIds[0]!, reason: 'no' });
    expect(await near.tellGate.tellDue(10, 60_000)).toEqual({ outcome: 'told', orders: 0 });
    expect(await available(item)).toBe(0);
    expect(await near.tellGate.tellDue(10, 0)).toEqual({ outcome: 'told', orders: 1 });
    await world.expectBalanced(item);
  });

  it('is told in the epoch of its transaction only: a newer gate has counted it', async () => {
    const { item, orderIds } = await world.confirmed(2);
    await far.cut();
    await remote.cancellations.cancel({ orderId: orderIds[0]!, reason: 'no' });
    await remote.payments.pay(await world.paymentFor(orderIds[1]!));
    // The gate is rebuilt from the ledger, in which one unit is free.
    await world.manager.query('UPDATE ledger SET epoch = 2 WHERE sale_id = $1', [item.saleId]);
    const { item: hash, stock } = itemKeys(item);
    await world.sale.redis.client.hset(hash, 'epoch', 2);
    await world.sale.redis.client.set(stock, 1);
    expect(await near.tellGate.tellDue(10, 0)).toEqual({ outcome: 'told', orders: 2 });
    expect(await available(item)).toBe(1);
    expect(await untold()).toBe(0);
  });

  it('waits for an older gate, and holds up no other item', async () => {
    const [behind, sound] = [await world.confirmed(3), await world.confirmed(3)];
    await world.manager.query('UPDATE ledger SET epoch = 2 WHERE sale_id = $1', [behind.item.saleId]);
    await far.cut();
    for (const { orderIds } of [behind, sound]) {
      await remote.cancellations.cancel({ orderId: orderIds[0]!, reason: 'no' });
      await remote.payments.pay(await world.paymentFor(orderIds[1]!));
    }
    expect(await near.tellGate.tellDue(1, 0)).toMatchObject({ outcome: 'later', orders: 2 });
    await world.expectBalanced(sound.item);
    expect(await untold()).toBe(2);
    await world.sale.redis.client.hset(itemKeys(behind.item).item, 'epoch', 2);
    expect(await near.tellGate.tellDue(1, 0)).toEqual({ outcome: 'told', orders: 2 });
    await world.expectBalanced(behind.item);
  });

  it('is as good as told where the item has ended', async () => {
    const { item, orderIds } = await world.confirmed(2);
    await world.sale.redis.client.del(...keysOf(item));
    await near.cancellations.cancel({ orderId: orderIds[0]!, reason: 'no' });
    await near.payments.pay(await world.paymentFor(orderIds[1]!));
    expect(await untold()).toBe(0);
  });

  it('stays to be told where the order changed again while it was told', async () => {
    const { item, orderIds } = await world.confirmed(1, { left: 1 });
    const [orderId] = orderIds;
    await far.cut();
    await remote.cancellations.cancel({ orderId: orderId!, reason: 'no' });
    await far.mend();
    far.proxy.set('hold-answers');
    const telling = remote.tellGate.tell(item, [orderId!]);
    await waitUntil('the gate has heard', async () => (await available(item)) === 2);
    // Paid late by another process, whose telling of that got lost.
    await near.payments.pay(await world.paymentFor(orderId!));
    await world.manager.query("UPDATE orders SET gate_epoch = 1 WHERE order_id = $1 AND state = 'paid'", [
      orderId,
    ]);
    far.proxy.set('pass');
    await telling;
    expect(await world.order(orderId!)).toMatchObject({ state: 'paid', gateEpoch: 1 });
    expect(await near.tellGate.tellDue(10, 0)).toEqual({ outcome: 'told', orders: 1 });
    await world.expectBalanced(item);
  });
});
