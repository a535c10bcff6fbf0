import type { Answer } from '../../e2e/support/crowd';
import { orderIdOf } from '../../e2e/support/crowd';
import type { Call, History } from '../clients/history';
import type { Attempt } from '../../e2e/support/crowd';
import type { Destruction } from '../world/installation';
import type { LastWord } from './evidence';
import { Findings } from './invariant';
import type { LedgerRows } from './ledger-rows';

type Purchase = Call<Attempt, Answer>;

/**
 * The orders that decision 7 allows to be lost: accepted before Redis' data was destroyed, and not relayed then. Each
 * must be reported as lost, read as unknown, and have its key judged anew.
 */
export function lostOrders(
  history: History,
  rows: LedgerRows,
  destructions: readonly Destruction[],
): {
  /** Ids of the orders whose first life is lost and excused. */
  readonly ids: ReadonlySet<string>;
  /** The history without the answers of lives that are excused: of the rest everything must be there. */
  readonly remaining: readonly Purchase[];
} {
  const ids = new Set<string>();
  const remaining = history.purchases.filter(({ answer }) => {
    if (answer?.status !== 202) return true;
    const orderId = orderIdOf(answer);
    const acceptedAtMs = acceptedAtOf(answer);
    if (rows.orders.get(orderId)?.acceptedAtMs === acceptedAtMs) return true;
    const isExcused = destructions.some(
      ({ atMs, unsettled }) => acceptedAtMs <= atMs && unsettled.has(orderId),
    );
    if (isExcused) ids.add(orderId);
    return !isExcused;
  });
  return { ids, remaining };
}

/** What is told of the lost ones. That nothing else is lost is a line of the audit. */
export function lostAreReported(
  lost: ReadonlySet<string>,
  lastWords: readonly LastWord[],
  rows: LedgerRows,
): Findings {
  const findings = new Findings(
    'lost orders are reported',
    'an order whose data were destroyed before they were relayed reads as unknown, and its key is judged anew',
  );
  for (const { orderId, accepted, look, answer } of lastWords) {
    // Lost, and accepted anew by a later attempt: it lives.
    if (!lost.has(orderId) || rows.orders.get(orderId)?.acceptedAtMs === acceptedAtOf(accepted)) continue;
    findings.look();
    if (look?.status !== 404)
      findings.violate(`${orderId}: it is lost, and GET answered ${look?.status ?? 'nothing'}`);
    if (answer?.replayed === true)
      findings.violate(`${orderId}: it is lost, and its key was answered as a replay`);
  }
  findings.add('lost', lost.size);
  return findings;
}

export function acceptedAtOf({ body }: Answer): number {
  return Date.parse((JSON.parse(body) as { acceptedAt: string }).acceptedAt);
}
