import type { ItemRef } from '@flux/contracts';
import type { Payment, PayOutcome } from '@flux/ledger';
import { purchase } from '@flux/testing';
import { LifeWorld, idsOf, type LifeProcess } from './life-world';

jest.setTimeout(300_000);

let world: LifeWorld;
let first: LifeProcess;
let second: LifeProcess;

beforeAll(async () => {
  world = await LifeWorld.start();
  [first, second] = await Promise.all([world.process(), world.process()]);
});
afterAll(() => world.stop());

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.sale.clients.gate.readItem(item))?.available;
}

describe('a hold', () => {
  it('that runs out ends its order and gives units and count back, and no other', async () => {
    const { item, orderIds } = await world.confirmed([{ quantity: 3 }, { quantity: 1 }, { quantity: 2 }]);
    const [ended, held, paid] = [orderIds[0]!, orderIds[1]!, orderIds[2]!];
    await first.payments.pay(await world.paymentFor(paid));
    await world.runOut([ended, paid]);
    expect(await first.expire()).toEqual([ended]);

    expect(await world.ledger(item)).toMatchObject({ held: 1, sold: 2 });
    expect(await world.order(ended)).toMatchObject({ state: 'expired', holdUntil: null, gateEpoch: null });
    expect(await world.pathOf(ended)).toEqual(['accepted', 'confirmed', 'expired']);
    expect(await world.order(held)).toMatchObject({ state: 'confirmed' });
    expect(await available(item)).toBe(3);
    expect(await world.eventIds(item)).toEqual([
      ...orderIds.map((orderId) => `${orderId}.confirmed`),
      `${paid}.paid`,
      `${ended}.expired`,
    ]);
    await world.expectBalanced(item);
    // What came back sells again.
    await world.buy(item, 3);
    await world.expectBalanced(item);
  });

  it('lasts by the clock of PostgreSQL: not a moment before', async () => {
    const { item, orderIds } = await world.confirmed(2);
    await world.manager.query(
      "UPDATE orders SET hold_until = now() + interval '1 minute' WHERE order_id = $1",
      [orderIds[0]],
    );
    await world.runOut([orderIds[1]!]);
    expect(await first.expire()).toEqual([orderIds[1]]);
    await world.expectBalanced(item);
  });

  it('ends once in two processes at once, in batches, oldest first', async () => {
    const { item, orderIds } = await world.confirmed(100);
    for (const [index, orderId] of orderIds.entries()) await world.runOut([orderId], 100_000 - index);
    const oldest = await first.holds.expireDue(10);
    expect(oldest).toMatchObject({ full: true, failed: [] });
    expect(idsOf(oldest).sort()).toEqual(orderIds.slice(0, 10).sort());

    const ended = idsOf(oldest);
    for (let round = 0; round < 20; round += 1) {
      const results = await Promise.all([first.expire(15), second.expire(15)]);
      ended.push(...results.flat());
    }
    expect(ended.sort()).toEqual([...orderIds].sort());
    expect(await first.expire()).toEqual([]);
    await first.tellGate.tellDue(100, 0);
    await world.expectBalanced(item);
    const events = await world.eventIds(item);
    expect(events).toHaveLength(200);
    expect(new Set(events).size).toBe(200);
  });

  it('is caught up after ten minutes without a process, by two that start together', async () => {
    const { item, orderIds } = await world.confirmed(60, { left: 5 });
    await world.runOut(orderIds, 600_000);
    await first.payments.pay(await world.paymentFor(orderIds[0]!));
    const results = await Promise.all([first, second, first, second].map((process) => process.expire()));
    expect(results.flat().sort()).toEqual(orderIds.slice(1).sort());
    await second.tellGate.tellDue(100, 0);
    expect(await available(item)).toBe(64);
    await world.expectBalanced(item);
  });

  it('of several items ends in one transaction each; one that fails holds up no other', async () => {
    const [broken, sound] = [await world.confirmed(3), await world.confirmed(3)];
    await world.runOut([...broken.orderIds, ...sound.orderIds]);
    // So that held would become negative, which the table refuses.
    await world.manager.query('UPDATE ledger SET held = 0 WHERE sale_id = $1', [broken.item.saleId]);
    const result = await first.holds.expireDue(100);
    expect(result.failed).toEqual([{ item: broken.item, reason: 'QueryFailedError 23514' }]);
    expect(result.items).toMatchObject([{ item: sound.item }]);
    expect(await world.order(broken.orderIds[0]!)).toMatchObject({ state: 'confirmed' });
    expect(await first.holds.expireDue(100, [broken.item])).toMatchObject({ items: [], failed: [] });

    await world.manager.query('UPDATE ledger SET held = 3 WHERE sale_id = $1', [broken.item.saleId]);
    expect(await first.expire()).toHaveLength(3);
    await first.tellGate.tellDue(100, 0);
    for (const { item } of [broken, sound]) await world.expectBalanced(item);
  });
});

describe('payment and expiry at the same instant', () => {
  const PAIRS = 1_000;
  const AT_ONCE = 10;

  it(`has one winner in each of ${PAIRS} pairs, and accounts that are exact`, async () => {
    const { item, orderIds } = await world.confirmed(PAIRS);
    const payments = new Map<string, Payment>();
    for (const orderId of orderIds) payments.set(orderId, await world.paymentFor(orderId));
    const answers = new Map<string, PayOutcome>();
    const ended = new Set<string>();
    for (let from = 0; from < PAIRS; from += AT_ONCE) {
      const pairs = orderIds.slice(from, from + AT_ONCE);
      await world.runOut(pairs);
      await Promise.all(
        pairs.flatMap((orderId, index) => {
          const pay = async (): Promise<void> => {
            const answer = await first.payments.pay(payments.get(orderId)!);
            answers.set(orderId, answer);
          };
          const expire = async (): Promise<void> => {
            for (const each of await second.expire(1 + (index % 5))) ended.add(each);
            // In every other group rivals take what has come back, where the payment is not faster.
            if ((from / AT_ONCE) % 2 === 0) await world.sale.clients.gate.reserve(purchase(item));
          };
          return index % 4 < 2 ? [pay(), expire()] : [expire(), pay()];
        }),
      );
    }
    await first.payments.completeUnfinished(100);
    await first.tellGate.tellDue(1_000, 0);

    const tally = { inTime: 0, late: 0, refundDue: 0 };
    for (const orderId of orderIds) {
      const answer = answers.get(orderId)!;
      const path = (await world.pathOf(orderId)).slice(2);
      const refunds = await world.refundsOf(orderId);
      if (answer.outcome === 'paid') {
        expect([path, refunds]).toEqual([ended.has(orderId) ? ['expired', 'paid'] : ['paid'], []]);
        tally[ended.has(orderId) ? 'late' : 'inTime'] += 1;
      } else {
        expect(answer.outcome).toBe('refundDue');
        expect([path, refunds.length, ended.has(orderId)]).toEqual([['expired'], 1, true]);
        tally.refundDue += 1;
      }
    }
    expect(tally.inTime + tally.late + tally.refundDue).toBe(PAIRS);
    expect(Math.min(tally.inTime, tally.late + tally.refundDue)).toBeGreaterThan(0);

    // The rivals' orders reach the ledger: all of them fit.
    await world.apply(await world.sale.accept(item, []));
    const { held, sold } = await world.ledger(item);
    expect(sold).toBe(tally.inTime + tally.late);
    expect(held + sold).toBeLessThanOrEqual(PAIRS);
    await world.expectBalanced(item);
    expect((await world.eventIds(item)).filter((id) => id.endsWith('.rejected'))).toEqual([]);
  });
});
