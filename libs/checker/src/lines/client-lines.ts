import type { Findings } from '../audit-report';
import type { Accepted, ClientHistory, ClientKey } from '../client-history';
import type { Evidence } from '../evidence';
import type { Identities } from './identities';

const CLIENT_LINES = [
  'clients-nothing-lost',
  'clients-order-ids',
  'clients-one-order-per-key',
  'clients-equal-answers',
  'clients-rows',
  'clients-asked',
] as const;

/** The lines that need the clients' own record: the servers' data alone cannot show a loss. */
export function clientLines(
  evidence: Evidence,
  history: ClientHistory | undefined,
  { findings, identities }: { readonly findings: Findings; readonly identities: Identities },
): void {
  if (history === undefined) {
    for (const name of CLIENT_LINES) findings[name].leaveOut('no history of the clients was given');
    return;
  }
  for (const [expectedId, key] of history.keys) {
    if (key.accepted.length === 0) continue;
    oneKey(expectedId, key, findings);
    for (const accepted of key.accepted)
      oneAnswer(expectedId, { accepted, key, evidence, findings, identities });
  }
  askedFor(evidence, history, findings);
}

function oneKey(expectedId: string, key: ClientKey, findings: Findings): void {
  const { accepted, answers, firsts, acceptedAtMs, refusedSentAtMs } = key;
  const ids = new Set(accepted.map(({ orderId }) => orderId));
  findings['clients-one-order-per-key'].look();
  findings['clients-one-order-per-key'].add('keys', 1);
  if (ids.size > 1) {
    findings['clients-one-order-per-key'].offend(
      `${expectedId}: its key was answered with ${[...ids].join(' and ')}`,
    );
  }
  const equal = findings['clients-equal-answers'];
  equal.look(answers);
  equal.add('answers', answers);
  const different = new Set(accepted.map(({ digest }) => digest)).size;
  if (different > 1) equal.offend(`${expectedId}: ${different} different answers to one key`);
  if (firsts > 1) equal.offend(`${expectedId}: ${firsts} answers to one key are not marked as replays`);
  if (refusedSentAtMs > acceptedAtMs) equal.offend(`${expectedId}: refused after its 202 had come`);
}

function oneAnswer(
  expectedId: string,
  context: {
    readonly accepted: Accepted;
    readonly key: ClientKey;
    readonly evidence: Evidence;
    readonly findings: Findings;
    readonly identities: Identities;
  },
): void {
  const { accepted, key, evidence, findings, identities } = context;
  const { orderId, location } = accepted;
  const ids = findings['clients-order-ids'];
  ids.look();
  if (orderId !== expectedId)
    ids.offend(`${orderId || 'a 202 without an order'}: its key makes it ${expectedId}`);
  else if (!location.endsWith(`/v1/orders/${orderId}`))
    ids.offend(`${orderId}: its Location leads elsewhere`);

  const lost = findings['clients-nothing-lost'];
  lost.look();
  const row = evidence.rows.get(orderId);
  if (row === undefined) {
    if (!evidence.outbox.has(orderId))
      lost.offend(`${orderId || expectedId}: a client has its 202, and it is nowhere`);
    return;
  }
  const line = findings['clients-rows'];
  line.look();
  const pairs = [
    ['product', accepted.productId, row.productId],
    ['product asked for', key.productId, row.productId],
    ['quantity', accepted.quantity, row.quantity],
    ['quantity asked for', accepted.asked, row.quantity],
    ['time of acceptance', accepted.acceptedAtMs, row.acceptedAtMs],
  ] as const;
  for (const [name, toClient, inRow] of pairs) {
    if (toClient !== inRow)
      line.offend(`${orderId}: ${name} is ${toClient} with the client, ${inRow} in its row`);
  }
  if (!identities.agree(row.shopperId, key.shopperId))
    line.offend(`${orderId}: shopper is ${key.shopperId} with the client, ${row.shopperId} in its row`);
}

function askedFor({ rows }: Evidence, { keys, incomplete }: ClientHistory, findings: Findings): void {
  const line = findings['clients-asked'];
  if (incomplete !== undefined) {
    line.leaveOut(incomplete);
    return;
  }
  for (const { orderId } of rows.values()) {
    line.look();
    const key = keys.get(orderId);
    if (key === undefined) line.offend(`${orderId}: no client asked for it`);
    else if (key.accepted.length === 0 && key.doubtful === 0) {
      line.offend(`${orderId}: every attempt to buy it was refused`);
    }
  }
}
