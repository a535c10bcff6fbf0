import { decodeItemHeaders, itemName, orderIdsOf, type ItemEvent } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { writeDecisions } from './batch-writes';
import { classifyFailure, describeFailure } from './classify-failure';
import { decideParking } from './decide-batch';
import { knownOrders, lockLedger } from './ledger-rows';
import { itemResultOf, type ItemResult } from './settlement';

/** A Kafka message that cannot be processed, as it came. */
export interface UnprocessableMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | undefined;
  readonly value: Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export type ParkingOutcome =
  /**
   * Every order of the message has a row now; the units that were free are booked. A wish to cancel is noted in its
   * order's row, where it has one, and its sequence counts.
   */
  | { readonly outcome: 'booked'; readonly item: ItemResult }
  /** The headers do not say whose orders they are, or name an item that is not known: only the message is kept. */
  | { readonly outcome: 'kept'; readonly reason: string };

/** Puts messages aside that can never be processed, with a booking for the orders in them. */
@Injectable()
export class Parking {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Keeps the message and books its orders in one transaction. A message whose orders all have rows is kept and books
   * nothing; so is one whose headers hold what PostgreSQL cannot. Again for the same topic, partition and offset
   * changes nothing and answers the states again.
   * @throws where PostgreSQL fails
   */
  async park(message: UnprocessableMessage, reason: string): Promise<ParkingOutcome> {
    const decoded = decodeItemHeaders(message.headers);
    if (decoded.outcome === 'unreadable') {
      return this.keep({ message, reason, keptBecause: `nothing booked, headers ${decoded.reason}` });
    }
    try {
      return await this.dataSource.transaction((manager) =>
        book(manager, { message, reason, event: decoded.event }),
      );
    } catch (error) {
      if (classifyFailure(error) === 'transient') throw error;
      return this.keep({ message, reason, keptBecause: `booking failed: ${describeFailure(error)}` });
    }
  }

  private async keep(kept: Kept): Promise<ParkingOutcome> {
    return keep(this.dataSource.manager, kept);
  }
}

interface Booking {
  readonly message: UnprocessableMessage;
  readonly reason: string;
  readonly event: ItemEvent;
}

async function book(manager: EntityManager, { message, reason, event }: Booking): Promise<ParkingOutcome> {
  const { rows, nowMs } = await lockLedger(manager, [event]);
  const ledger = rows.get(itemName(event));
  if (ledger === undefined) {
    return keep(manager, { message, reason, keptBecause: 'nothing booked, the item is not known' });
  }
  const known = await knownOrders(manager, orderIdsOf(event));
  const decision = decideParking({ ledger, known, events: [{ event, offset: message.offset }] });
  const item = itemResultOf(ledger, decision, nowMs);
  const id = await writeMessage(manager, {
    message,
    reason,
    event,
    orderCount: item.counts.parked,
    booked: decision.ledger.parked - ledger.parked,
  });
  const written = id === undefined ? undefined : { parkedMessages: [id] };
  await writeDecisions(manager, [{ before: ledger, decision }], nowMs, written);
  return { outcome: 'booked', item };
}

interface Kept {
  readonly message: UnprocessableMessage;
  readonly reason: string;
  readonly keptBecause: string;
}

async function keep(manager: EntityManager, kept: Kept): Promise<ParkingOutcome> {
  await writeMessage(manager, { ...kept, event: undefined, orderCount: 0, booked: 0 });
  return { outcome: 'kept', reason: kept.keptBecause };
}

interface MessageRow {
  readonly message: UnprocessableMessage;
  readonly reason: string;
  readonly event: ItemEvent | undefined;
  readonly orderCount: number;
  readonly booked: number;
}

/** @returns the row's id; undefined where the message was kept before */
async function writeMessage(
  manager: EntityManager,
  { message, reason, event, orderCount, booked }: MessageRow,
): Promise<string | undefined> {
  const rows: { readonly id: string }[] = await manager.query(
    `INSERT INTO parked_messages (topic, partition, message_offset, key, value, headers, reason,
                                  sale_id, product_id, epoch, first_sequence, order_count, booked)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT ON CONSTRAINT parked_messages_once DO NOTHING
     RETURNING id`,
    [
      message.topic,
      message.partition,
      message.offset,
      message.key === undefined ? null : Buffer.from(message.key),
      message.value ?? null,
      storableHeaders(message.headers),
      storable(reason),
      event?.saleId ?? null,
      event?.productId ?? null,
      event?.epoch ?? null,
      event?.firstSequence ?? null,
      orderCount,
      booked,
    ],
  );
  return rows[0]?.id;
}

function storableHeaders(headers: UnprocessableMessage['headers']): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [storable(name), storable(value)])),
  );
}

/** PostgreSQL's text and jsonb cannot hold U+0000. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD');
}
