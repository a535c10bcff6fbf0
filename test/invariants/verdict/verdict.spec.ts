import type { OrderStatus } from '@flux/contracts';
import type { Answer } from '../../e2e/support/crowd';
import { History, type Call, type CodeAnswer, type OrderOf } from '../clients/history';
import type { Evidence, LastWord } from './evidence';
import type { OrderRow } from './ledger-rows';
import { lostOrders } from './lost';
import { judge } from './verdict';

const ACCEPTED_AT = '2030-01-01T00:00:00.000Z';
const ORDER = 'steady.plenty.AAAAAAAAAAAAAAAAAAAAAA';

/** A sound record of one order; each test spoils it in one way, and names the invariant that must see it. */
describe('each invariant can fail', () => {
  it('holds for a sound record', () => {
    expect(violated(sound())).toEqual([]);
  });

  it.each<[OrderStatus, OrderStatus]>([
    ['confirmed', 'accepted'],
    ['rejected', 'confirmed'],
    ['paid', 'cancelled'],
    ['expired', 'confirmed'],
  ])('states monotone: %s, then %s', (before, now) => {
    const evidence = sound();
    look(evidence.history, { at: 10, orderStatus: before });
    look(evidence.history, { at: 20, orderStatus: now });
    expect(violated(evidence)).toEqual(['states monotone']);
  });

  it('states monotone: two looks at the same time have no order', () => {
    const evidence = sound();
    look(evidence.history, { at: 10, orderStatus: 'paid', tookMs: 20 });
    look(evidence.history, { at: 20, orderStatus: 'confirmed', tookMs: 20 });
    expect(violated(evidence)).toEqual([]);
  });

  it('states monotone: an order that vanished', () => {
    const evidence = sound();
    look(evidence.history, { at: 10, status: 404, code: 'unknown-order' });
    expect(violated(evidence)).toEqual(['states monotone']);
  });

  it.each<[string, Partial<Answer> | undefined]>([
    ['another body', { body: bodyOf({ quantity: 2 }) }],
    ['another Location', { location: '/v1/orders/elsewhere' }],
    ['judged anew', { replayed: false }],
    ['refused', { status: 409, body: '{"code":"sold-out"}' }],
    ['no answer', undefined],
  ])('replays byte-equal: %s', (_, changes) => {
    const [word] = sound().lastWords;
    const answer = changes === undefined ? undefined : { ...answerOf(), replayed: true, ...changes };
    expect(violated({ ...sound(), lastWords: [{ ...word!, answer }] })).toEqual(['replays byte-equal']);
  });

  it('wishes to cancel: one that was accepted and came to nothing', () => {
    const evidence = sound();
    evidence.history.cancels.push(call<OrderOf, CodeAnswer>(order(), { status: 202, code: undefined }));
    expect(violated(evidence)).toEqual(['wishes to cancel']);
    expect(violated(withRow(evidence, { state: 'cancelled' }))).toEqual([]);
  });

  it('payments: taken, and not in PostgreSQL; promised back, and no refund; both', () => {
    const taken = sound();
    pay(taken.history, { status: 200, code: undefined });
    expect(violated(taken)).toEqual(['payments']);
    const applied = withRow(withPayment(taken, { state: 'applied', refunds: 0 }), { state: 'paid' });
    expect(violated(applied)).toEqual([]);
    expect(violated(withPayment(applied, { state: 'applied', refunds: 1 }))).toEqual(['payments']);

    const late = sound();
    pay(late.history, { status: 409, code: 'refund-due' });
    expect(violated(withPayment(late, { state: 'refund-due', refunds: 0 }))).toEqual(['payments']);
    expect(violated(withPayment(late, { state: 'refund-due', refunds: 2 }))).toEqual(['payments']);
    expect(violated(withPayment(late, { state: 'refund-due', refunds: 1 }))).toEqual([]);
  });

  it.each<[string, Partial<Answer>]>([
    ['a 500', { status: 500, body: '{"code":"internal-error"}' }],
    ['a product that is suddenly unknown', { status: 404, body: '{"code":"unknown-product"}' }],
    ['a 503 without Retry-After', { status: 503, body: '{"code":"not-ready"}', retryAfter: undefined }],
  ])('honest answers: %s', (_, changes) => {
    const evidence = sound();
    evidence.history.purchases.push(call(attempt(), { ...answerOf(), ...changes }));
    expect(violated(evidence)).toEqual(['honest answers']);
  });

  it('honest answers: a payment whose order is unknown', () => {
    const evidence = sound();
    pay(evidence.history, { status: 404, code: 'unknown-order' });
    expect(violated(evidence)).toEqual(['honest answers']);
  });

  it('comes to rest, processes, record of the clients', () => {
    expect(violated({ ...sound(), unrest: ['plenty: 1 unsettled'] })).toEqual(['comes to rest']);
    expect(violated({ ...sound(), deaths: ['orders ended by itself with 1'] })).toEqual(['processes']);
    expect(violated({ ...sound(), stops: { count: 1, cutOff: 0, bad: ['relay did not stop'] } })).toEqual([
      'processes',
    ]);
    const open = sound();
    open.history.open = 1;
    expect(violated(open)).toEqual(['record of the clients']);
  });
});

describe('a loss', () => {
  const destruction = { what: 'FLUSHALL', atMs: Date.parse(ACCEPTED_AT) + 5, unsettled: new Set([ORDER]) };

  it('is excused where its data were destroyed before they were relayed, and nowhere else', () => {
    const { history, rows } = withoutRow(sound());
    const outcome = (changes: Partial<typeof destruction>) => {
      const { ids, remaining } = lostOrders(history, rows, [{ ...destruction, ...changes }]);
      return { lost: ids.size, remaining: remaining.length };
    };
    expect(outcome({})).toEqual({ lost: 1, remaining: 0 });
    // What remains in the history is for the audit, which finds it lost.
    expect(outcome({ unsettled: new Set() })).toEqual({ lost: 0, remaining: 1 });
    expect(outcome({ atMs: Date.parse(ACCEPTED_AT) - 1 })).toEqual({ lost: 0, remaining: 1 });
    expect(lostOrders(history, sound().rows, [destruction]).ids.size).toBe(0);
  });

  it('must be told: unknown to GET, and its key judged anew', () => {
    const evidence = { ...withoutRow(sound()), destructions: [destruction] };
    const word = (changes: Partial<LastWord>): Evidence => ({
      ...evidence,
      lastWords: [
        { ...sound().lastWords[0]!, look: lookOf({ status: 404 }), answer: answerOf(), ...changes },
      ],
    });
    expect(violated(word({}))).toEqual([]);
    expect(violated(word({ look: lookOf({ orderStatus: 'accepted' }) }))).toEqual([
      'lost orders are reported',
    ]);
    expect(violated(word({ answer: { ...answerOf(), replayed: true } }))).toEqual([
      'lost orders are reported',
    ]);
  });

  it('lets no order be unknown that was not lost, not even for a while', () => {
    const destroyed = {
      ...sound(),
      destructions: [{ ...destruction, atMs: 15, unsettled: new Set([ORDER]) }],
    };
    look(destroyed.history, { at: 20, status: 404 });
    expect(violated(destroyed)).toEqual(['states monotone', 'honest answers']);
  });

  it('excuses only a wish to cancel that began before, of an order that was in the outbox', () => {
    const wished = (invokedAt: number, unsettled: readonly string[]): Evidence => {
      const evidence = {
        ...sound(),
        destructions: [{ ...destruction, atMs: 15, unsettled: new Set(unsettled) }],
      };
      const wish = call<OrderOf, CodeAnswer>(order(), { status: 202, code: undefined });
      // Its gateway was frozen: the answer came long after.
      evidence.history.cancels.push({ ...wish, invokedAt, endedAt: 5_000 });
      return evidence;
    };
    expect(violated(wished(14, [ORDER]))).toEqual([]);
    expect(violated(wished(16, [ORDER]))).toEqual(['wishes to cancel']);
    expect(violated(wished(14, []))).toEqual(['wishes to cancel']);
  });

  it('lets states go back only across the destruction, or while a replica takes over', () => {
    const evidence = {
      ...sound(),
      destructions: [{ ...destruction, atMs: 15, unsettled: new Set<string>() }],
    };
    look(evidence.history, { at: 10, orderStatus: 'confirmed' });
    look(evidence.history, { at: 20, orderStatus: 'accepted' });
    expect(violated(evidence)).toEqual([]);
    look(evidence.history, { at: 30, orderStatus: 'confirmed' });
    look(evidence.history, { at: 40, orderStatus: 'accepted' });
    expect(violated(evidence)).toEqual(['states monotone']);
    const during = (fromMs: number, toMs: number) => ({ ...evidence, failovers: [{ fromMs, toMs }] });
    expect(violated(during(25, 35))).toEqual([]);
    // It began after the later look had ended, or was over before the earlier one.
    expect(violated(during(46, 50))).toEqual(['states monotone']);
    expect(violated(during(25, 29))).toEqual(['states monotone']);
  });
});

function violated(evidence: Evidence): string[] {
  return judge(evidence)
    .filter(({ violationsTotal }) => violationsTotal > 0)
    .map(({ name }) => name);
}

function sound(): Evidence {
  const history = new History();
  history.purchases.push(call(attempt(), answerOf()));
  const answer = { ...answerOf(), replayed: true };
  return {
    history,
    lastWords: [{ orderId: ORDER, accepted: answerOf(), look: lookOf({ orderStatus: 'confirmed' }), answer }],
    rows: {
      orders: new Map([[ORDER, { state: 'confirmed', acceptedAtMs: Date.parse(ACCEPTED_AT) }]]),
      payments: new Map(),
    },
    destructions: [],
    failovers: [],
    audits: [],
    unrest: [],
    accusations: [],
    stops: { count: 0, cutOff: 0, bad: [] },
    deaths: [],
  };
}

function withRow(evidence: Evidence, changes: Partial<OrderRow>): Evidence {
  const row = { state: 'confirmed', acceptedAtMs: Date.parse(ACCEPTED_AT), ...changes };
  return { ...evidence, rows: { ...evidence.rows, orders: new Map([[ORDER, row]]) } };
}

function withoutRow(evidence: Evidence): Evidence {
  return { ...evidence, rows: { ...evidence.rows, orders: new Map() } };
}

function withPayment(
  evidence: Evidence,
  payment: { readonly state: string; readonly refunds: number },
): Evidence {
  return { ...evidence, rows: { ...evidence.rows, payments: new Map([['pay-1', payment]]) } };
}

function attempt() {
  return {
    productId: 'plenty',
    saleId: 'steady',
    shopperId: 'ann',
    idempotencyKey: 'key-000000000001',
    quantity: 1,
  };
}

function order(): OrderOf {
  return { orderId: ORDER, shopperId: 'ann' };
}

function bodyOf({ quantity }: { readonly quantity: number }): string {
  const named = { orderId: ORDER, status: 'accepted', productId: 'plenty', saleId: 'steady' };
  return JSON.stringify({ ...named, quantity, acceptedAt: ACCEPTED_AT });
}

function answerOf(): Answer {
  const body = bodyOf({ quantity: 1 });
  const location = `/v1/orders/${ORDER}`;
  return { attempt: attempt(), at: 1, status: 202, body, location, replayed: false, retryAfter: undefined };
}

function call<Asked, Answered>(asked: Asked, answer: Answered): Call<Asked, Answered> {
  return { asked, invokedAt: 1, endedAt: 2, answer };
}

interface Seen {
  readonly status?: number;
  readonly code?: string;
  readonly orderStatus?: OrderStatus;
}

function lookOf({ status = 200, code, orderStatus }: Seen) {
  return { status, code, orderStatus, holdUntil: undefined };
}

function look(
  history: History,
  { at, tookMs = 5, ...seen }: Seen & { readonly at: number; readonly tookMs?: number },
): void {
  history.looks.push({ asked: order(), invokedAt: at, endedAt: at + tookMs, answer: lookOf(seen) });
}

function pay(history: History, answer: CodeAnswer): void {
  const asked = { orderId: ORDER, paymentId: 'pay-1', amountMinor: 12_900, isAtHoldEnd: false };
  history.payments.push(call(asked, answer));
}
