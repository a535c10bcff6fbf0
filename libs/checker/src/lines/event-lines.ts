import { CANCEL_REQUESTED_TYPE, type CancelRequested, type OrdersAccepted } from '@flux/contracts';
import type { FactDigest, Findings } from '../audit-report';
import { gateAbsence, type Evidence } from '../evidence';
import type { EventMessage } from '../event-reader';
import { isForgotten } from '../ledger-row';
import type { TopicReading } from '../topic-reader';
import type { Identities } from './identities';
import type { SequenceBook } from './sequence-lines';

interface EventTools {
  readonly book: SequenceBook;
  readonly identities: Identities;
  readonly findings: Findings;
  readonly digest: FactDigest;
  /** `<partition>/<offset>` of every message put aside. */
  readonly parkedMessages: ReadonlySet<string>;
}

/** One message of the sale: each of its orders must be a row and the same there, a wish to cancel noted in its row. */
export function eventLine(evidence: Evidence, message: EventMessage, tools: EventTools): void {
  const line = tools.findings['events-applied'];
  const place = `${message.partition}/${message.offset}`;
  tools.digest.add(JSON.stringify(['message', place, message.event]));
  line.add('messages', 1);
  const isParked = tools.parkedMessages.has(place);
  if (message.event === undefined) {
    line.look();
    if (!isParked) line.offend(`message ${place}: cannot be read, and is not parked`);
    return;
  }
  const at = { place, offset: BigInt(message.offset), isParked };
  if (message.event.type === CANCEL_REQUESTED_TYPE) wish(evidence, message.event, { ...tools, ...at });
  else acceptedOrders(evidence, message.event, { ...tools, ...at });
}

type MessageTools = EventTools & {
  /** `<partition>/<offset>` */
  readonly place: string;
  readonly offset: bigint;
  readonly isParked: boolean;
};

function acceptedOrders({ rows }: Evidence, event: OrdersAccepted, tools: MessageTools): void {
  const { findings, book, identities, place, isParked } = tools;
  const line = findings['events-applied'];
  const { productId, epoch, firstSequence, orders } = event;
  orders.forEach((order, index) => {
    const { orderId, shopperId } = order;
    line.look();
    line.add('orders', 1);
    const row = rows.get(orderId);
    book.note({ productId, epoch, sequence: firstSequence + index, orderId }, row, 'Kafka');
    if (row === undefined) {
      if (!isParked) line.offend(`${orderId}: in Kafka (message ${place}), not in PostgreSQL`);
      return;
    }
    row.inKafka = true;
    // A row that was taken over by a repeat of its key may have another pass than the order that was refused.
    const isThisOne = row.epoch === epoch && row.sequence === firstSequence + index && !isForgotten(row);
    const fields = ['quantity', 'fingerprint', ...(isThisOne ? (['passId'] as const) : [])] as const;
    const wrong = fields.filter((field) => row[field] !== order[field]);
    for (const field of wrong) {
      const [inKafka, inRow] = [order[field] ?? 'none', row[field] ?? 'none'];
      line.offend(`${orderId}: ${field} is ${inKafka} in Kafka (message ${place}), ${inRow} in its row`);
    }
    if (!identities.agree(row.shopperId, shopperId)) {
      line.offend(
        `${orderId}: shopper is ${shopperId} in Kafka (message ${place}), ${row.shopperId} in its row`,
      );
    }
  });
}

/** Its row has the wish's epoch and sequence, or those of a wish in a newer epoch. */
function wish({ rows, items }: Evidence, event: CancelRequested, tools: MessageTools): void {
  const { findings, book, identities, place, offset, isParked } = tools;
  const line = findings['events-applied'];
  const { productId, epoch, firstSequence: sequence, orderId, shopperId } = event;
  line.look();
  line.add('wishes to cancel', 1);
  const row = rows.get(orderId);
  book.note({ productId, epoch, sequence, orderId, isCancel: true }, row, 'Kafka');
  if (row !== undefined && isParked) row.cancelParked = true;
  if (row !== undefined && !identities.agree(row.shopperId, shopperId)) {
    line.offend(`${orderId}: ${shopperId} wished to cancel it in Kafka (message ${place}), it is another's`);
  }
  const ledger = items.get(productId)?.ledger;
  const closed = ledger?.epochOffset === undefined ? undefined : BigInt(ledger.epochOffset);
  const isFenced = ledger !== undefined && epoch < ledger.epoch && (closed === undefined || offset > closed);
  const isApplied = row?.cancelEpoch !== undefined && row.cancelEpoch >= epoch;
  if (!isApplied && !isFenced && !isParked) {
    line.offend(`${orderId}: the wish to cancel it is in Kafka (message ${place}), not in PostgreSQL`);
  }
}

/** After the last message: what retention may have deleted is said, and rows that nobody knows are named. */
export function unexpectedLine({ rows, items }: Evidence, topic: TopicReading, findings: Findings): void {
  const line = findings['no-unexpected-orders'];
  const busy = new Set([...rows.values()].map(({ productId }) => productId));
  for (const productId of busy) {
    if (!topic.isComplete(productId)) {
      findings['events-applied'].leaveOut(`Kafka has deleted early messages of ${productId}`);
    }
  }
  for (const { orderId, productId, inGate, inKafka } of rows.values()) {
    line.look();
    const item = items.get(productId);
    if (inGate || inKafka || item === undefined) continue;
    if (topic.isComplete(productId)) line.offend(`${orderId}: neither the gate nor Kafka knows it`);
    else
      line.leaveOut(`${gateAbsence(item) ?? 'the gate lacks orders'}, and Kafka has deleted early messages`);
  }
}
