import type { OrderStatus } from '@flux/contracts';
import { kindOf, orderIdOf } from '../../e2e/support/crowd';
import type { Call, CodeAnswer, History, OrderOf, StatusAnswer } from '../clients/history';
import type { Destruction, Failover } from '../world/installation';
import type { LastWord } from './evidence';
import { Findings } from './invariant';
import type { LedgerRows } from './ledger-rows';
import { acceptedAtOf } from './lost';

/** What an order may still become; written down here once more, apart from the product's own table. */
const LATER: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  accepted: ['confirmed', 'rejected', 'cancelled', 'expired', 'paid'],
  confirmed: ['cancelled', 'expired', 'paid'],
  cancelled: ['paid'],
  expired: ['paid'],
  rejected: [],
  paid: [],
};

type Look = Call<OrderOf, StatusAnswer>;

/**
 * Whoever looks after another has had his answer sees the same, or what it has become since.
 * @param setbacks what was settled at the gate may be gone after them; a replica is awaited for orders only
 */
export function statesMonotone(
  history: History,
  lost: ReadonlySet<string>,
  setbacks: readonly Failover[],
): Findings {
  const findings = new Findings(
    'states monotone',
    'a later look never shows an earlier state, and never none',
  );
  const byOrder = new Map<string, Look[]>();
  for (const look of history.looks) {
    byOrder.set(look.asked.orderId, [...(byOrder.get(look.asked.orderId) ?? []), look]);
  }
  for (const [orderId, looks] of byOrder) {
    for (const look of looks) {
      findings.look();
      const { answer } = look;
      // It is looked at only once its 202 is there.
      if (answer?.status === 404 && !lost.has(orderId)) findings.violate(`${orderId}: GET answered 404`);
      if (answer?.orderStatus === undefined || lost.has(orderId)) continue;
      for (const earlier of looks) {
        const before = earlier.answer?.orderStatus;
        if (before === undefined || earlier.endedAt >= look.invokedAt) continue;
        const now = answer.orderStatus;
        if (now === before || LATER[before].includes(now)) continue;
        // PostgreSQL's states come back with the next settle, or a rebuild.
        const isExcused = setbacks.some(
          ({ fromMs, toMs }) => earlier.invokedAt <= toMs && fromMs <= look.endedAt,
        );
        if (isExcused) findings.add('went back with Redis');
        else findings.violate(`${orderId}: read as ${before}, then as ${now}`);
      }
    }
  }
  return findings;
}

/** Every key that got a 202 is tried once more at the end. */
export function replaysEqual(lastWords: readonly LastWord[], rows: LedgerRows): Findings {
  const findings = new Findings(
    'replays byte-equal',
    'every accepted key gets its first 202 again: status, Location and body, marked as a replay',
  );
  for (const { orderId, accepted, answer } of lastWords) {
    if (rows.orders.get(orderId)?.acceptedAtMs !== acceptedAtOf(accepted)) continue;
    findings.look();
    if (answer === undefined) findings.violate(`${orderId}: its key got no answer`);
    else if (answer.status !== 202) findings.violate(`${orderId}: its key was answered ${kindOf(answer)}`);
    else if (!answer.replayed) findings.violate(`${orderId}: its key was judged anew`);
    else if (answer.body !== accepted.body || answer.location !== accepted.location) {
      findings.violate(`${orderId}: its key was answered otherwise than the first time`);
    }
  }
  return findings;
}

/** Codes that a run may meet on every route. */
const ANYWHERE = ['503 not-ready', '503 temporarily-unavailable', '503 outcome-unknown'] as const;

/** Codes that a run may meet, by route; everything else lies or breaks. */
const KNOWN_ANSWERS = {
  purchase: ['202', '409 sold-out', '409 shopper-limit', '422 idempotency-key-reused'],
  look: ['200', '404 unknown-order'],
  cancel: ['202', '409 not-cancellable'],
  payment: ['200', '409 not-confirmed', '409 refund-due'],
} as const satisfies Record<string, readonly string[]>;

/** A dependency that is dead must never look like anything else. */
export function answersKnown(history: History, lost: ReadonlySet<string>): Findings {
  const findings = new Findings(
    'honest answers',
    'every answer is one of those documented for its case, and a 503 says when to come again',
  );
  for (const { answer, asked } of history.purchases) {
    findings.look();
    if (answer === undefined) {
      findings.add('unknown outcomes');
      continue;
    }
    const kind = answer.status === 202 ? '202' : kindOf(answer);
    findings.add(kind);
    if (!isKnown('purchase', kind)) findings.violate(`${asked.idempotencyKey}: POST was answered ${kind}`);
    if (answer.status === 503 && !(Number(answer.retryAfter) > 0)) {
      findings.violate(`${asked.idempotencyKey}: ${kind} without Retry-After`);
    }
  }
  const others = [
    ['look', history.looks],
    ['cancel', history.cancels],
    ['payment', history.payments],
  ] as const;
  for (const [route, calls] of others) {
    for (const { asked, answer } of calls as readonly Call<{ readonly orderId: string }, CodeAnswer>[]) {
      findings.look();
      if (answer === undefined) continue;
      const kind = answer.code === undefined ? String(answer.status) : `${answer.status} ${answer.code}`;
      const isLost = lost.has(asked.orderId) && answer.status === 404;
      if (!isKnown(route, kind) && !isLost)
        findings.violate(`${asked.orderId}: ${route} was answered ${kind}`);
    }
  }
  return findings;
}

function isKnown(route: keyof typeof KNOWN_ANSWERS, kind: string): boolean {
  const known: readonly string[] = [...ANYWHERE, ...KNOWN_ANSWERS[route]];
  // A process that was frozen meets a request that has waited for it: sometimes the server below it answers, without a code.
  return known.includes(kind) || kind.startsWith('408');
}

/** A wish to cancel that was accepted came true, unless something final was faster. */
export function wishesHonoured(
  history: History,
  rows: LedgerRows,
  destructions: readonly Destruction[],
): Findings {
  const findings = new Findings(
    'wishes to cancel',
    'no order whose wish to cancel was accepted is still held in the end',
  );
  for (const { asked, answer, invokedAt } of history.cancels) {
    if (answer?.status !== 202) continue;
    findings.look();
    const state = rows.orders.get(asked.orderId)?.state;
    if (state !== 'confirmed' && state !== 'parked') continue;
    // The wish may have been in the data that were destroyed, however long its answer was under way.
    if (destructions.some(({ atMs, unsettled }) => invokedAt <= atMs && unsettled.has(asked.orderId))) {
      findings.add('lost with destroyed data');
    } else findings.violate(`${asked.orderId}: its wish to cancel was accepted, and it is ${state}`);
  }
  return findings;
}

/** What the shop was told about money is what PostgreSQL has. */
export function paymentsKept(history: History, rows: LedgerRows): Findings {
  const findings = new Findings(
    'payments',
    'a payment that was taken is the paid order’s own, one that came too late has exactly one refund, none has both',
  );
  for (const { asked, answer } of history.payments) {
    if (answer === undefined) continue;
    const { orderId, paymentId } = asked;
    const row = rows.payments.get(paymentId);
    const order = rows.orders.get(orderId);
    if (answer.status === 200) {
      findings.look();
      if (row?.state !== 'applied' || order?.state !== 'paid') {
        findings.violate(
          `${paymentId}: it was taken, is ${row?.state ?? 'nowhere'}, its order ${order?.state ?? 'nowhere'}`,
        );
      }
      if ((row?.refunds ?? 0) > 0) findings.violate(`${paymentId}: it was taken, and is refunded`);
    } else if (answer.code === 'refund-due') {
      findings.look();
      if (row?.state !== 'refund-due' || row.refunds !== 1) {
        findings.violate(
          `${paymentId}: a refund was promised; it is ${row?.state ?? 'nowhere'} with ${row?.refunds ?? 0} refunds`,
        );
      }
    }
  }
  return findings;
}

/** The clients' record itself: an order of theirs that no call of theirs could have made would be a mistake of the run. */
export function historyIsSound(history: History): Findings {
  const findings = new Findings(
    'record of the clients',
    'every call ended after it began, and none is still open',
  );
  findings.look(
    history.purchases.length + history.looks.length + history.cancels.length + history.payments.length,
  );
  if (history.open !== 0) findings.violate(`${history.open} calls are still open`);
  for (const { asked, answer, invokedAt, endedAt } of history.purchases) {
    if (endedAt < invokedAt) findings.violate(`${asked.idempotencyKey}: it ended before it began`);
    if (
      answer?.status === 202 &&
      !orderIdOf(answer).startsWith(`${asked.saleId ?? ''}.${asked.productId}.`)
    ) {
      findings.violate(`${asked.idempotencyKey}: its order is of another item`);
    }
  }
  return findings;
}
