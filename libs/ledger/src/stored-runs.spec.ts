import { ledgerEventSchema, orderStatusEventSchema, type OrderStatusEvent } from '@flux/contracts';
import type { OrderEventEntity } from './entities/order-event.entity';
import { ledgerEventsOf } from './ledger-event-of';
import type { DecidedOrder } from './ledger-row';
import type { OrderChange } from './order-change';
import { eventsOfRuns } from './order-events';
import { changedRuns, decidedOfRun, decidedRuns, type RunOfNewRows, type StoredRun } from './stored-runs';

const ITEM = { saleId: 'sale-1', productId: 'product-1' };
const TIMES = { nowMs: 0, holdMs: 600_000 };

function decided(index: number, changes: Partial<DecidedOrder> = {}): DecidedOrder {
  return {
    ...ITEM,
    orderId: `sale-1.product-1.${String(index).padStart(22, '0')}`,
    shopperId: `shopper-${index}`,
    quantity: 1,
    fingerprint: 'abcdefghijk',
    state: 'confirmed',
    reason: undefined,
    booked: 0,
    epoch: 1,
    sequence: index + 1,
    acceptedAtMs: 5,
    takesOver: false,
    ...changes,
  };
}

function change(index: number, changes: Partial<OrderChange> = {}): OrderChange {
  const { orderId, shopperId, quantity } = decided(index);
  return {
    ...ITEM,
    ...{ orderId, shopperId, quantity },
    state: 'expired',
    reason: undefined,
    atMs: 7,
    holdUntilMs: undefined,
    holdMs: undefined,
    paymentId: undefined,
    gateEpoch: 1,
    gateUnits: 1,
    counters: { held: -1, sold: 0, parked: 0 },
    intent: undefined,
    ...changes,
  };
}

/** As JSON makes it. */
function statusesOf(runs: readonly StoredRun[]): OrderStatusEvent[] {
  const stored = JSON.parse(JSON.stringify(runs)) as StoredRun[];
  return JSON.parse(JSON.stringify(eventsOfRuns(ITEM, stored))) as OrderStatusEvent[];
}

describe('runs of new orders', () => {
  it('are what the order event promises, with an id that a repeat has again', () => {
    const [event] = statusesOf(decidedRuns([decided(0)], TIMES));
    expect(orderStatusEventSchema.parse(event)).toEqual({
      type: 'order-status.v1',
      id: `${decided(0).orderId}.confirmed`,
      ...ITEM,
      orderId: decided(0).orderId,
      shopperId: 'shopper-0',
      quantity: 1,
      status: 'confirmed',
      occurredAt: '1970-01-01T00:00:00.000Z',
      holdUntil: '1970-01-01T00:10:00.000Z',
    });
  });

  it('come out as they went in, whatever their neighbours have in common', () => {
    const orders = [
      decided(0),
      decided(1),
      decided(2, { quantity: 2, fingerprint: 'zyxwvutsrqp' }),
      decided(3, { acceptedAtMs: 6 }),
      decided(4, { state: 'rejected', reason: 'no-units' }),
      decided(5, { state: 'rejected', reason: 'shopper-limit' }),
      decided(6, { state: 'parked', quantity: 3, booked: 2 }),
      decided(7, { state: 'parked', quantity: 3, booked: 0 }),
      decided(8),
      // A gap in the sequences, another epoch, a row that is taken over.
      decided(9, { sequence: 20 }),
      decided(10, { epoch: 2, sequence: 21 }),
      decided(11, { epoch: 2, sequence: 22, takesOver: true }),
      // Passes, with and without what the line before has too.
      decided(12, { sequence: 30, passId: 'pass-of-12-00001' }),
      decided(13, { sequence: 31, passId: '1234567890123456' }),
      decided(14, { sequence: 32 }),
      decided(15, { sequence: 33, acceptedAtMs: 6, passId: '-_-_-_-_-_-_-_-_' }),
      decided(16, { state: 'parked', quantity: 3, booked: 2, passId: 'pass-of-16-00001' }),
    ];
    const runs = JSON.parse(JSON.stringify(decidedRuns(orders, TIMES))) as StoredRun[];
    expect(runs.flatMap((run) => decidedOfRun(ITEM, run, run[6] as RunOfNewRows))).toEqual(orders);
  });

  it('share what their neighbours have in common', () => {
    const orders = Array.from({ length: 1_000 }, (_, index) => decided(index));
    const runs = decidedRuns(orders, TIMES);
    expect(runs).toHaveLength(1);
    expect(JSON.stringify(runs).length).toBeLessThan(1_000 * 45);
  });
});

it('runs of changes tell why, by what and until when, each order in its order', () => {
  const changes = [
    change(0),
    change(1, { reason: 'the "buyer"\nsaid no\\', state: 'cancelled' }),
    change(2, { state: 'paid', paymentId: 'pi_1', gateUnits: 0 }),
    change(3, { state: 'confirmed', holdUntilMs: 600_007, gateUnits: 0 }),
    change(4, { intent: { epoch: 1, sequence: 9 } }),
    change(5, { gateEpoch: 2 }),
  ];
  const runs = changedRuns(changes);
  expect(runs).toHaveLength(6);
  for (const event of statusesOf(runs)) expect(orderStatusEventSchema.parse(event)).toEqual(event);
  expect(statusesOf(runs)).toMatchObject(
    changes.map(({ orderId, state, reason, paymentId, holdUntilMs }) => ({
      orderId,
      status: state,
      occurredAt: new Date(7).toISOString(),
      ...(holdUntilMs === undefined ? {} : { holdUntil: new Date(holdUntilMs).toISOString() }),
      ...(reason === undefined ? {} : { reason }),
      ...(paymentId === undefined ? {} : { paymentId }),
    })),
  );
  expect(changedRuns([change(0), change(1)])).toHaveLength(1);
});

describe('the message of a transaction', () => {
  const orders = Array.from({ length: 50 }, (_, index) =>
    decided(index, {
      acceptedAtMs: 5 + Math.floor(index / 7),
      quantity: 1 + (index % 2),
      passId: index % 3 === 0 ? undefined : `pass-${index}`.padEnd(16, '0'),
    }),
  );
  const ledger = {
    ...{ sale_id: 'sale-1', product_id: 'product-1', initial: 99, held: 75, sold: 0, parked: 0 },
    ...{ epoch: 1, epoch_offset: null, watermark: 50, watermark_order_id: orders.at(-1)!.orderId, ahead: [] },
    ...{ suspended_reason: null, version: 4, changed_at: '2026-01-01T10:00:00.123456+00:00' },
    previous_at: null,
  };
  const row: OrderEventEntity = {
    id: '1',
    ...ITEM,
    events: [...decidedRuns(orders, TIMES), ...changedRuns([change(3), change(4)])],
    version: '4',
    ledger,
    more: { intents: `${'0'.repeat(22)} 1 51`, causes: ['suspended'] },
    rows: { payments: null },
  };

  it('is what the schema promises', () => {
    const [event, ...others] = ledgerEventsOf(row);
    expect(others).toEqual([]);
    expect(ledgerEventSchema.parse(event)).toEqual(event);
    expect(event).toMatchObject({ version: 4, part: 1, parts: 1, causes: ['suspended'], rows: {} });
  });

  it('comes in parts where it would be too large, with every order once', () => {
    const parts = ledgerEventsOf(row, 300);
    expect(parts.length).toBeGreaterThan(5);
    for (const [index, part] of parts.entries()) {
      expect(ledgerEventSchema.parse(part)).toEqual(part);
      expect(part).toMatchObject({ version: 4, part: index + 1, parts: parts.length });
      expect(part.runs.reduce((sum, { orders: lines }) => sum + lines.length, 0)).toBeLessThanOrEqual(300);
    }
    const runs = parts.flatMap((part) => part.runs);
    const rows = runs.flatMap((run) => {
      if (run.kind === 'changed') return [];
      const { state, atMs, holdUntilMs, reason, paymentId, kind, epoch, firstSequence } = run;
      const place = [kind, epoch, firstSequence] as const;
      return decidedOfRun(ITEM, [state, atMs, holdUntilMs, reason, paymentId, run.orders, place], place);
    });
    expect(rows).toEqual(orders);
    expect(parts.filter(({ intents }) => intents !== undefined)).toHaveLength(1);
  });

  it('is none of a row that the release before has queued', () => {
    expect(
      ledgerEventsOf(Object.assign({}, row, { version: null, ledger: null, more: null, rows: null })),
    ).toEqual([]);
  });
});
