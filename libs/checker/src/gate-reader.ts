import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import type { Cluster, Redis } from 'ioredis';
import {
  decodeEntry,
  decodeRecord,
  type GateRecord,
  type OutboxIntent,
  type OutboxOrder,
} from './gate-record';

/** How many fields or entries one read takes: a page, never a whole hash in one answer. */
const PAGE = 1_000;

/** The item's counters as they lie in Redis; a field that is not a whole number is undefined. */
export interface GateFacts {
  readonly state: string;
  readonly epoch: number | undefined;
  readonly sequence: number | undefined;
  readonly watermark: number | undefined;
  readonly limit: number | undefined;
  readonly holdMs: number | undefined;
  readonly available: number | undefined;
  readonly outboxLength: number;
  /** Its orders are being written: it sells nothing yet. */
  readonly isUnfinished: boolean;
}

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
      holdMs: wholeNumber(item['hold']),
      available: wholeNumber(available ?? undefined),
      outboxLength,
      isUnfinished: item['rebuilding'] !== undefined,
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

  /** Ids of passes that were redeemed; one may come twice. */
  async *passes(): AsyncGenerator<string> {
    let cursor = '0';
    do {
      const [next, passIds] = await this.redis.sscan(this.keys.passes, cursor, 'COUNT', PAGE);
      yield* passIds;
      cursor = next;
    } while (cursor !== '0');
  }

  /** Ids of applied changes: of stock, of units given back, of units taken for late payments. */
  async *changes(): AsyncGenerator<{ readonly changeId: string; readonly units: number | undefined }> {
    for await (const [changeId, units] of this.walk(this.keys.changes)) {
      yield { changeId, units: wholeNumber(units) };
    }
  }

  async *outbox(): AsyncGenerator<OutboxOrder | OutboxIntent> {
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

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
