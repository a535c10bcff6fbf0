import { hash } from 'node:crypto';
import type { ItemRef, OrderStatus } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import type { Cluster, Redis } from 'ioredis';

/** How many fields or entries one read takes: a page, never a whole hash in one answer. */
const PAGE = 1_000;

/** The item's counters as they lie in Redis; a field that is not a whole number is undefined. */
export interface GateFacts {
  readonly state: string;
  readonly epoch: number | undefined;
  readonly sequence: number | undefined;
  readonly watermark: number | undefined;
  readonly limit: number | undefined;
  readonly available: number | undefined;
  readonly outboxLength: number;
}

/** One order in the gate, decoded by the checker's own hand; undefined where the record is not readable. */
export interface GateRecord {
  readonly orderId: string;
  readonly content:
    | {
        readonly status: OrderStatus;
        readonly sequence: number;
        readonly quantity: number;
        readonly acceptedAtMs: number;
        readonly fingerprint: string;
        readonly shopperHash: string;
      }
    | undefined;
}

export interface OutboxOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly epoch: number;
  readonly sequence: number;
}

const RECORD =
  /^(?<state>[-acrxep])\|(?<sequence>\d+)\|(?<quantity>\d+)\|(?<at>\d+)\|(?<fingerprint>[^|]*)\|(?<shopper>[^|]*)(\|\d+)?$/;

const OWN_STATES: Readonly<Record<string, OrderStatus>> = {
  a: 'accepted',
  c: 'confirmed',
  r: 'rejected',
  x: 'cancelled',
  e: 'expired',
  p: 'paid',
};

/** Reads one item's keys raw. Every walk is by cursor or page. */
export class GateReader {
  private readonly keys;

  constructor(
    private readonly redis: Redis | Cluster,
    item: ItemRef,
  ) {
    this.keys = itemKeys(item);
  }

  /** undefined where the item's hash is gone. */
  async facts(): Promise<GateFacts | undefined> {
    const [item, available, outboxLength] = await Promise.all([
      this.redis.hgetall(this.keys.item),
      this.redis.get(this.keys.stock),
      this.redis.xlen(this.keys.outbox),
    ]);
    if (Object.keys(item).length === 0) return undefined;
    return {
      state: item['state'] ?? '',
      epoch: wholeNumber(item['epoch']),
      sequence: wholeNumber(item['sequence']),
      watermark: wholeNumber(item['watermark']),
      limit: wholeNumber(item['limit']),
      available: wholeNumber(available ?? undefined),
      outboxLength,
    };
  }

  /** @param watermark a record with no state of its own reads as confirmed at or below it */
  async *records(watermark: number): AsyncGenerator<GateRecord> {
    for await (const [orderId, text] of this.walk(this.keys.orders))
      yield decodeRecord(orderId, text, watermark);
  }

  async *shoppers(): AsyncGenerator<{ readonly shopperId: string; readonly units: number | undefined }> {
    for await (const [shopperId, units] of this.walk(this.keys.shoppers)) {
      yield { shopperId, units: wholeNumber(units) };
    }
  }

  async *outbox(): AsyncGenerator<OutboxOrder> {
    let from = '-';
    for (;;) {
      const entries = await this.redis.xrange(this.keys.outbox, from, '+', 'COUNT', PAGE);
      for (const [id, fields] of entries) {
        yield* decodeEntry(id, fields);
        from = `(${id}`;
      }
      if (entries.length < PAGE) return;
    }
  }

  /** A hash that grows while it is walked may give a field twice: readers must bear it. */
  private async *walk(key: string): AsyncGenerator<readonly [string, string]> {
    let cursor = '0';
    do {
      const [next, flat] = await this.redis.hscan(key, cursor, 'COUNT', PAGE);
      for (let index = 0; index + 1 < flat.length; index += 2)
        yield [flat[index] ?? '', flat[index + 1] ?? ''];
      cursor = next;
    } while (cursor !== '0');
  }
}

/** Whose order a record is, without the name. */
export function shopperHashOf(shopperId: string): string {
  return hash('sha256', shopperId, 'base64url').slice(0, 16);
}

function decodeRecord(orderId: string, text: string, watermark: number): GateRecord {
  const fields = RECORD.exec(text)?.groups;
  if (fields === undefined) return { orderId, content: undefined };
  const sequence = Number(fields['sequence']);
  const settled = sequence > 0 && sequence <= watermark;
  return {
    orderId,
    content: {
      status: OWN_STATES[fields['state'] ?? ''] ?? (settled ? 'confirmed' : 'accepted'),
      sequence,
      quantity: Number(fields['quantity']),
      acceptedAtMs: Number(fields['at']),
      fingerprint: fields['fingerprint'] ?? '',
      shopperHash: fields['shopper'] ?? '',
    },
  };
}

function decodeEntry(id: string, flat: readonly string[]): OutboxOrder[] {
  const valueOf = (name: string): string =>
    flat[flat.findIndex((field, at) => at % 2 === 0 && field === name) + 1] ?? '';
  const first = Number(valueOf('first'));
  return valueOf('orders')
    .split('\n')
    .map((line, index) => {
      const [orderId = '', shopperId = '', quantity = ''] = line.split(' ');
      return {
        orderId,
        shopperId,
        quantity: Number(quantity),
        epoch: Number(id.split('-')[0]),
        sequence: first + index,
      };
    });
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
