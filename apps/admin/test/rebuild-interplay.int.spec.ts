import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import {
  BatchTransaction,
  Cancellations,
  LatePayments,
  OrderEntity,
  ParkingResolution,
  PaymentEntity,
  Payments,
  RebuildLedger,
  SaleEntity,
  StockChangeEntity,
} from '@flux/ledger';
import { acceptedEvent, purchase } from '@flux/testing';
import { MaintenanceService } from '../src/maintenance/maintenance.service';
import type { RebuildProgress } from '../src/rebuild/rebuild-track';
import { statusAndCode } from './admin.world';
import { RebuildWorld } from './rebuild-world';

jest.setTimeout(60_000);

let world: RebuildWorld;

beforeAll(async () => {
  world = await RebuildWorld.start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await world.retireAll();
});
afterAll(() => world.stop());

const PRICE_MINOR = 1_999;

async function pay(orderId: string, paymentId: string): Promise<string> {
  const payment = { orderId, paymentId, amountMinor: PRICE_MINOR, currency: 'EUR' };
  return (await world.admin.app.get(Payments).pay(payment)).outcome;
}

/** Rebuilds, and does this when the rebuild has come to a phase for the first time. */
async function rebuildWhile(
  item: ItemRef,
  phase: RebuildProgress['phase'],
  work: () => Promise<unknown>,
): Promise<void> {
  // The rebuild itself waits for it: between `counting` and `writing` there is no place but the raise of the epoch.
  const ledger = world.admin.app.get(RebuildLedger);
  const steps = { counting: 'raiseEpoch', writing: 'raiseEpoch', opening: 'liftSuspension' } as const;
  if (phase !== 'counting' && phase !== 'writing' && phase !== 'opening') throw new Error(phase);
  const step = steps[phase];
  const original = (ledger[step] as (...args: unknown[]) => Promise<unknown>).bind(ledger);
  jest.spyOn(ledger, step).mockImplementationOnce(async (...args: unknown[]) => {
    if (phase === 'counting') await work();
    const answer = (await original(...args)) as never;
    if (phase !== 'counting') await work();
    return answer;
  });
  expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt' });
}

const MOMENTS = ['counting', 'writing', 'opening'] as const;
const LOSSES = ['everything', 'stock'] as const;
const CASES = MOMENTS.flatMap((moment) => LOSSES.map((loss) => [moment, loss] as const));

async function lose(item: ItemRef, loss: (typeof LOSSES)[number]): Promise<void> {
  if (loss === 'everything') await world.flush();
  else await world.lose(item, loss);
}

/** Gate and ledger agree once the loops have told the gate what it has to hear. */
async function expectAgreement(item: ItemRef, available: number): Promise<void> {
  await world.life.tellGate();
  const untold = await world.admin.dataSource.manager.findBy(OrderEntity, { ...item });
  expect(untold.filter(({ gateEpoch }) => gateEpoch !== null)).toEqual([]);
  const { initial, held, sold, parked, epoch } = await world.ledgerOf(item);
  expect(initial - held - sold - parked).toBe(available);
  expect(await world.gateOf(item)).toMatchObject({ available, epoch });
}

describe('an order that changes while its gate is rebuilt', () => {
  it.each(CASES)('at %s, %s being lost, gives its units back once: expired', async (moment, loss) => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.confirmed(item, { shopperId: 'ann', quantity: 3 });
    await world.life.confirmed(item, { shopperId: 'bob', quantity: 2 });
    await lose(item, loss);
    await rebuildWhile(item, moment, () => world.life.expired(orderId));
    await expectAgreement(item, 8);
    expect(await world.life.statusAtGate(orderId)).toBe('expired');
    expect(await world.countOf(item, 'ann')).toBe('0');
    expect(await world.countOf(item, 'bob')).toBe('2');
  });

  it.each(CASES)('at %s, %s being lost, keeps its units: paid', async (moment, loss) => {
    const item = await world.admin.openSale(5);
    const orderId = await world.life.confirmed(item, { shopperId: 'ann' });
    await lose(item, loss);
    await rebuildWhile(item, moment, async () => {
      expect(await pay(orderId, `pay-${orderId}`)).toBe('paid');
    });
    await expectAgreement(item, 4);
    expect(await world.life.statusAtGate(orderId)).toBe('paid');
    expect(await world.countOf(item, 'ann')).toBe('1');
  });

  it('is cancelled by the shop', async () => {
    const item = await world.admin.openSale(5);
    const orderId = await world.life.confirmed(item, { shopperId: 'ann', quantity: 2 });
    await world.lose(item, 'stock');
    await rebuildWhile(item, 'writing', () =>
      world.admin.app.get(Cancellations).cancel({ orderId, reason: 'sold by mistake' }),
    );
    await expectAgreement(item, 5);
    expect(await world.life.statusAtGate(orderId)).toBe('cancelled');
  });

  it.each(CASES)('at %s, %s being lost, may be paid late: units are taken once', async (moment, loss) => {
    const item = await world.admin.openSale(5);
    const orderId = await world.life.confirmed(item, { shopperId: 'ann' });
    await world.life.expired(orderId);
    const paymentId = `late-${orderId}`;
    await lose(item, loss);
    await rebuildWhile(item, moment, () => pay(orderId, paymentId));
    await world.admin.app.get(LatePayments).completeUnfinished(10);
    expect(await world.stateOf(orderId)).toBe('paid');
    await expectAgreement(item, 4);
    expect(await world.countOf(item, 'ann')).toBe('1');
    const payment = await world.admin.dataSource.manager.findOneByOrFail(PaymentEntity, { paymentId });
    expect(payment).toMatchObject({ state: 'applied', giveBackUnits: null });
  });
});

describe('what was left half done before', () => {
  it('is counted by the rebuild: an end that the gate had not heard of', async () => {
    const item = await world.admin.openSale(5);
    const orderId = await world.life.confirmed(item, { quantity: 2 });
    const update = "UPDATE orders SET state = 'expired', hold_until = NULL, gate_epoch = 1, gate_units = 2";
    await world.admin.dataSource.query(`${update} WHERE order_id = $1`, [orderId]);
    await world.admin.dataSource.query('UPDATE ledger SET held = 0 WHERE sale_id = $1', [item.saleId]);
    await world.lose(item, 'stock');
    await world.rebuild(item);
    await expectAgreement(item, 5);
  });

  it('is counted by the rebuild: stock that the gate had not got', async () => {
    const item = await world.admin.openSale(5);
    const { saleId, productId } = item;
    await world.admin.dataSource.query('UPDATE ledger SET initial = 9 WHERE sale_id = $1', [saleId]);
    const id = `change-${saleId}`;
    const change = { id, saleId, productId, delta: 4, reason: 'A box', actor: 'anna', epoch: 1 };
    await world.admin.dataSource.manager.insert(StockChangeEntity, change);
    await world.lose(item, 'stock');
    await world.rebuild(item);
    await world.admin.maintenance.complete();
    await expectAgreement(item, 9);
    expect(await world.admin.dataSource.manager.findOneBy(StockChangeEntity, { id })).toMatchObject({
      state: 'applied',
    });
  });

  it('starts over: stock that was withdrawn at the old gate only', async () => {
    const item = await world.admin.openSale(5);
    const { saleId, productId } = item;
    const id = `change-${saleId}`;
    await world.admin.gate.adjust({ ...item, epoch: 1, changeId: id, delta: -2 });
    const change = { id, saleId, productId, delta: -2, reason: 'Damaged', actor: 'anna', epoch: 1 };
    await world.admin.dataSource.manager.insert(StockChangeEntity, change);
    await world.lose(item, 'stock');
    await world.rebuild(item);
    expect(await world.gateOf(item)).toMatchObject({ available: 5 });
    await world.admin.maintenance.complete();
    await expectAgreement(item, 3);
  });

  it('stays so: a parked order keeps what is booked, until it is discarded', async () => {
    const item = await world.admin.openSale(5);
    const parked = await world.life.parked(item, [{ shopperId: 'ann', quantity: 2 }]);
    const [orderId = ''] = parked.orderIds;
    await world.flush();
    await world.rebuild(item);
    expect(await world.life.statusAtGate(orderId)).toBe('accepted');
    expect(await world.countOf(item, 'ann')).toBe('2');
    expect(await world.gateOf(item)).toMatchObject({ available: 3 });
    await world.admin.app.get(ParkingResolution).discard(parked.messageId, 'anna');
    await expectAgreement(item, 5);
    expect(await world.life.statusAtGate(orderId)).toBe('cancelled');
  });
});

describe('stock', () => {
  it('is not changed while the gate waits, and then it is', async () => {
    const item = await world.admin.openSale(5);
    await world.flush();
    await world.crashAt(item, 'relaying');
    expect(statusAndCode(await world.admin.changeStock(item, 3))).toEqual([503, 'not-ready']);
    await world.rebuild(item);
    expect((await world.admin.changeStock(item, 3)).status).toBe(200);
    expect((await world.admin.changeStock(item, -1)).status).toBe(200);
    await expectAgreement(item, 7);
  });

  it('that is added while the gate is opened is counted once', async () => {
    const item = await world.admin.openSale(5);
    await world.flush();
    await rebuildWhile(item, 'opening', async () => {
      expect((await world.admin.changeStock(item, 3)).status).toBe(202);
    });
    await world.admin.maintenance.complete();
    await expectAgreement(item, 8);
  });
});

describe("the sale's state", () => {
  it.each([
    ['pause', 'paused', 'notOpen'],
    ['close', 'closed', 'closed'],
  ])('is what it became meanwhile: %s', async (action, state, outcome) => {
    const item = await world.admin.openSale(5);
    const orderId = await world.life.confirmed(item);
    await world.flush();
    await rebuildWhile(item, 'writing', () => world.admin.act(item, action));
    expect(await world.gateOf(item)).toMatchObject({ state, available: 4 });
    expect(await world.admin.buy(item)).toBe(outcome);
    expect(await world.life.statusAtGate(orderId)).toBe('confirmed');
    await world.admin.maintenance.complete();
    expect(await world.gateOf(item)).toMatchObject({ state });
  });

  it('may be closed long since: replays are answered, and it retires', async () => {
    const item = await world.admin.openSale(5);
    const options = { shopperId: 'ann', key: 'the-key-of-ann-00' };
    const orderId = await world.life.confirmed(item, options);
    await world.admin.act(item, 'close');
    await world.flush();
    await world.rebuild(item);
    expect((await world.admin.gate.reserve(purchase(item, options))).outcome).toBe('replayed');
    expect(await world.admin.buy(item)).toBe('closed');
    await world.life.expired(orderId);
    await world.admin.app.get(MaintenanceService).retire();
    expect((await world.admin.readSale(item)).state).toBe('retired');
    expect(await world.admin.redis.client.pttl(itemKeys(item).orders)).toBeGreaterThan(0);
    expect(await world.rebuild(item)).toEqual({ outcome: 'notOpened' });
  });

  it('keeps a sale from its end while a gate waits', async () => {
    const item = await world.admin.openSale(5);
    await world.admin.act(item, 'close');
    await world.flush();
    await world.crashAt(item, 'opening');
    await world.admin.app.get(MaintenanceService).retire();
    expect((await world.admin.readSale(item)).state).toBe('closed');
    await world.rebuild(item);
    await world.admin.app.get(MaintenanceService).retire();
    expect((await world.admin.readSale(item)).state).toBe('retired');
  });

  it('of a sale that never opened has no gate to rebuild', async () => {
    const item = await world.admin.createSale();
    expect(await world.rebuild(item)).toEqual({ outcome: 'notOpened' });
    await world.round();
    expect(await world.admin.gate.readItem(item)).toBeUndefined();
  });
});

describe('an order of an epoch that ended', () => {
  it('that comes too late is refused, and its key buys in the new gate', async () => {
    const item = await world.admin.openSale(5);
    await world.life.confirmed(item);
    await world.flush();
    await world.rebuild(item);
    const request = purchase(item, { shopperId: 'ann' });
    const zombie = acceptedEvent({ item, firstSequence: 9, orders: 1 });
    const { orderId, shopperId, fingerprint } = request;
    const events = [{ ...zombie, orders: [{ orderId, shopperId, fingerprint, quantity: 1 }] }];
    const offset = await world.endOffset();
    await world.admin.app.get(BatchTransaction).apply(events.map((event) => ({ event, offset })));
    expect(await world.stateOf(orderId)).toBe('rejected');
    expect(await world.life.confirmed(item, { shopperId: 'bob' })).toBeDefined();
    expect((await world.admin.gate.reserve(request)).outcome).toBe('accepted');
    await world.life.settleAll(item);
    expect(await world.stateOf(orderId)).toBe('confirmed');
    await expectAgreement(item, 2);
    // Another rebuild finds one order, in its last state.
    await world.flush();
    expect(await world.rebuild(item)).toMatchObject({
      outcome: 'rebuilt',
      epoch: 3,
      orders: 3,
      available: 2,
    });
    const { saleId } = item;
    expect(await world.admin.dataSource.manager.findOneBy(SaleEntity, { id: saleId })).toMatchObject({
      state: 'open',
    });
  });
});
