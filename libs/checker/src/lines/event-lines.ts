import type { FactDigest, Findings } from '../audit-report';
import { gateAbsence, type Evidence } from '../evidence';
import type { EventMessage, TopicReading } from '../event-reader';
import type { SequenceBook } from './sequence-lines';

interface EventTools {
  readonly book: SequenceBook;
  readonly findings: Findings;
  readonly digest: FactDigest;
  /** `<partition>/<offset>` of every message put aside. */
  readonly parkedMessages: ReadonlySet<string>;
}

/** One message of the sale: each of its orders must be a row, and the same order there. */
export function eventLine({ rows }: Evidence, message: EventMessage, tools: EventTools): void {
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
  const { productId, epoch, firstSequence, orders } = message.event;
  orders.forEach((order, index) => {
    line.look();
    line.add('orders', 1);
    const row = rows.get(order.orderId);
    tools.book.note(
      { productId, epoch, sequence: firstSequence + index, orderId: order.orderId },
      row,
      'Kafka',
    );
    if (row === undefined) {
      if (!isParked) line.offend(`${order.orderId}: in Kafka (message ${place}), not in PostgreSQL`);
      return;
    }
    row.inKafka = true;
    for (const field of ['shopperId', 'quantity', 'fingerprint'] as const) {
      if (row[field] !== order[field]) {
        line.offend(
          `${order.orderId}: ${field} is ${order[field]} in Kafka (message ${place}), ${row[field]} in its row`,
        );
      }
    }
  });
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
