import { LEDGER_STATUSES, type LedgerStatus, type OrderStatus } from '@flux/contracts';
import type { FactDigest, LineFindings } from '../audit-report';
import type { Evidence } from '../evidence';
import { statusesOf, type LedgerRow } from '../ledger-row';
import type { StatusMessage } from '../status-reader';
import type { TopicReading } from '../topic-reader';
import type { Identities } from './identities';

interface StatusTools {
  readonly line: LineFindings;
  readonly identities: Identities;
  readonly digest: FactDigest;
}

/** One published change: it must be one of its row's, and say the same of it. */
export function statusMessage({ rows }: Evidence, message: StatusMessage, tools: StatusTools): void {
  const { line, digest } = tools;
  const { partition, offset, key, event } = message;
  const place = `message ${partition}/${offset}`;
  digest.add(JSON.stringify(['status', partition, offset, event]));
  line.look();
  line.add('messages', 1);
  if (event === undefined) {
    line.offend(`${place}: cannot be read`);
    return;
  }
  const { orderId, status } = event;
  if (key !== event.productId)
    line.offend(`${orderId}: ${status} was published under another key (${place})`);
  const row = rows.get(orderId);
  if (row === undefined) {
    line.offend(`${orderId}: ${status} was published (${place}), it is not in PostgreSQL`);
    return;
  }
  const times = timesOf(row, status);
  if (times.length === 0) {
    line.offend(`${orderId}: ${status} was published (${place}), it never was`);
    return;
  }
  const wrong = [
    event.id === `${orderId}.${status}` ? undefined : 'id',
    event.quantity === row.quantity ? undefined : 'quantity',
    tools.identities.agree(row.shopperId, event.shopperId) ? undefined : 'shopper',
    times.includes(Date.parse(event.occurredAt)) ? undefined : 'time',
  ].filter((field) => field !== undefined);
  if (wrong.length > 0) {
    line.offend(`${orderId}: ${status} was published with another ${wrong.join(', ')} (${place})`);
  }
  // Published again it is the same change, delivered again.
  if (!row.published.includes(status)) row.published.push(status);
}

/** After the last message: every change of every row was published, and in its order. */
export function statusesPublishedLine({ rows }: Evidence, topic: TopicReading, line: LineFindings): void {
  for (const row of rows.values()) {
    const expected = [...new Set(statusesOf(row).filter(isLedgerStatus))];
    const { orderId, productId, published } = row;
    line.look(expected.length);
    const inOrder = expected.filter((status) => published.includes(status));
    if (inOrder.join() !== published.join()) {
      line.offend(`${orderId}: published in the order ${published.join(', ')}; it was ${inOrder.join(', ')}`);
    }
    if (inOrder.length === expected.length) continue;
    if (!topic.isComplete(productId)) {
      line.leaveOut(`Kafka has deleted early messages of ${productId}`);
      continue;
    }
    const missing = expected.filter((status) => !published.includes(status));
    line.offend(`${orderId}: ${missing.join(', ')} was not published`);
  }
}

function isLedgerStatus(status: OrderStatus): status is LedgerStatus {
  return LEDGER_STATUSES.some((known) => known === status);
}

/** When the order got this status, in milliseconds. */
function timesOf({ history, state, decidedAtMs }: LedgerRow, status: OrderStatus): readonly number[] {
  const past = history.filter((entry) => entry.status === status).map(({ atMs }) => atMs);
  return state === status ? [...past, decidedAtMs] : past;
}
