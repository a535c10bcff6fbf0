import { isEnd, isJudged, statusOf, sum, type PlainLedger, type PlainOrder } from './plain-ledger';
import type { RealLedger, RealRow, RealSale } from './real-sale';

/** The servers must have what the model has: PostgreSQL exactly, the gate as far as it has been told. */
export async function compare(model: PlainLedger, real: RealSale): Promise<void> {
  const ledger = await real.ledger();
  compareLedger(model, ledger);
  if (real.servers.gateIsUp) await compareGate(model, real, ledger.rows);
}

function compareLedger(model: PlainLedger, { rows, counters, money }: RealLedger): void {
  const judged = model.orders.filter(isJudged);
  expect(rows.map(lifeOfRow)).toEqual(judged.map(lifeOfOrder));
  expect(counters).toEqual({
    initial: model.sale.stock,
    held: model.units('confirmed'),
    sold: model.units('paid'),
    parked: 0,
    watermark: model.watermark,
    suspended: null,
  });
  expect(model.units('confirmed', 'paid')).toBeLessThanOrEqual(model.sale.stock);
  for (const { shopperId } of model.orders) {
    expect(model.live(shopperId)).toBeLessThanOrEqual(model.sale.limit);
  }
  expect(money).toEqual(
    [...model.payments].sort(byPaymentId).map(({ paymentId, order, state }) => ({
      paymentId,
      orderId: order.orderId,
      state,
      giveBack: null,
      refunds: state === 'refund-due' ? 1 : 0,
    })),
  );
}

function lifeOfRow({ orderId, state, history, untold, wish, holdUntilMs }: RealRow) {
  return {
    orderId,
    life: ['accepted', ...(history ?? []).map(({ status }) => status), state],
    untold,
    wish: wish ?? undefined,
    isHeld: holdUntilMs !== null,
  };
}

function lifeOfOrder(order: PlainOrder) {
  const { orderId, life, untold, wish, wishIsApplied } = order;
  const isHeld = statusOf(order) === 'confirmed';
  // An order ends once, and is paid once: that each of its states is another one says both.
  expect(new Set(life).size).toBe(life.length);
  expect(life.filter((status) => isEnd(status) || status === 'rejected').length).toBeLessThanOrEqual(1);
  return { orderId, life, untold, wish: wishIsApplied ? wish : undefined, isHeld };
}

async function compareGate(model: PlainLedger, real: RealSale, rows: readonly RealRow[]): Promise<void> {
  const { orders, sale } = model;
  const gate = await real.gate();
  expect(gate).toMatchObject({
    state: 'open',
    epoch: 1,
    sequence: model.sequence,
    available: model.available,
  });
  expect(gate.watermark).toBeLessThanOrEqual(model.watermark);
  if (sale.gateStock === sale.stock) {
    const unsettled = sum(orders.filter((order) => !isJudged(order)));
    const onTheirWay = sum(orders.filter((order) => order.life.some(isEnd) && !order.returned));
    const accounted = model.available + unsettled + onTheirWay + model.units('confirmed', 'paid');
    expect(accounted).toBe(sale.stock);
  }
  await compareReads(model, real, rows);
  compareCounts(model, await real.counts());
}

async function compareReads(model: PlainLedger, real: RealSale, rows: readonly RealRow[]): Promise<void> {
  const read = await real.read(model.orders.map(({ orderId }) => orderId));
  const holds = new Map(rows.map(({ orderId, holdUntilMs }) => [orderId, holdUntilMs]));
  for (const order of model.orders) {
    const { orderId, life, heard, seen, wish, isDue } = order;
    const found = read.get(orderId);
    // What was heard is read; beyond it, what may have been told; and never an older status again.
    const allowed = life.slice(Math.max(heard, seen));
    expect({ orderId, allowed, status: found?.status }).toEqual({
      orderId,
      allowed,
      status: allowed.find((status) => status === found?.status) ?? `one of ${allowed.join()}`,
    });
    expect({ orderId, cancelRequested: found?.cancelRequested }).toEqual({
      orderId,
      cancelRequested: wish !== undefined,
    });
    order.seen = found === undefined ? seen : life.indexOf(found.status);
    const holdUntilMs = holds.get(orderId) ?? null;
    if (found?.status !== 'confirmed' || holdUntilMs === null || isDue) continue;
    expect({ orderId, holdUntilMs: found.holdUntilMs }).toEqual({
      orderId,
      holdUntilMs,
    });
  }
}

/** Of an ended order that the gate has not heard of the units may still count. */
function compareCounts(model: PlainLedger, counts: ReadonlyMap<string, number>): void {
  const shoppers = new Set(model.orders.map(({ shopperId }) => shopperId));
  expect(new Set(counts.keys())).toEqual(shoppers);
  for (const shopperId of shoppers) {
    const own = model.orders.filter((order) => order.shopperId === shopperId);
    const certain = own.filter((order) => ['accepted', 'confirmed', 'paid'].includes(statusOf(order)));
    const doubtful = own.filter((order) => !certain.includes(order) && order.heard < order.life.length - 1);
    expect([shopperId, counts.get(shopperId)]).toEqual([
      shopperId,
      Math.min(Math.max(counts.get(shopperId) ?? 0, sum(certain)), sum(certain) + sum(doubtful)),
    ]);
  }
}

/** PostgreSQL compares ids by bytes. */
export function byPaymentId(
  one: { readonly paymentId: string },
  other: { readonly paymentId: string },
): number {
  return one.paymentId < other.paymentId ? -1 : 1;
}
