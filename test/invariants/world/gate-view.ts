import { itemKeys } from '@flux/gate';
import { Cluster, type Redis } from 'ioredis';
import { SALES } from '../sales';

/** One item's counters as they lie in Redis, read past every proxy. */
export interface GateCounters {
  readonly productId: string;
  /** undefined while the item is not whole: it is rebuilt. */
  readonly watermark: number | undefined;
  readonly sequence: number;
  readonly outboxLength: number;
  /** Compared with the ledger since this Redis was started. */
  readonly isCompared: boolean;
}

const ITEMS = SALES.flatMap(({ saleId, items }) => items.map(({ productId }) => ({ saleId, productId })));

export class GateView {
  constructor(private readonly redis: Redis | Cluster) {}

  async counters(): Promise<GateCounters[]> {
    const runs = await this.runs();
    return Promise.all(
      ITEMS.map(async (item) => {
        const keys = itemKeys(item);
        const [[watermark, sequence, compared], outboxLength] = await Promise.all([
          this.redis.hmget(keys.item, 'watermark', 'sequence', 'compared'),
          this.redis.xlen(keys.outbox),
        ]);
        return {
          productId: item.productId,
          watermark: watermark === null || watermark === undefined ? undefined : Number(watermark),
          sequence: Number(sequence ?? 0),
          outboxLength,
          isCompared: typeof compared === 'string' && runs.has(compared),
        };
      }),
    );
  }

  /** Of every master as it runs now: each item lies on one of them, and one that was killed runs no more. */
  private async runs(): Promise<ReadonlySet<string>> {
    const masters = this.redis instanceof Cluster ? this.redis.nodes('master') : [this.redis];
    const infos = await Promise.all(masters.map((master) => master.info('server')));
    return new Set(infos.map((info) => /run_id:([0-9a-f]+)/.exec(info)?.[1] ?? ''));
  }

  /** How many orders and wishes to cancel are accepted and not settled; undefined where Redis does not say. */
  async unsettledCount(): Promise<number | undefined> {
    try {
      const counters = await this.counters();
      return counters.reduce((sum, { sequence, watermark = 0 }) => sum + sequence - watermark, 0);
    } catch {
      return undefined;
    }
  }

  /** Ids of the orders in all outboxes. */
  async unsettledIds(): Promise<Set<string>> {
    const outboxes = ITEMS.map((item) => this.redis.xrange(itemKeys(item).outbox, '-', '+'));
    return orderIdsIn(await Promise.all(outboxes));
  }

  /** Takes everything away, in the same moment in which it says which orders the outboxes held. */
  async flushAll(): Promise<Set<string>> {
    const transaction = this.redis.multi();
    for (const item of ITEMS) transaction.xrange(itemKeys(item).outbox, '-', '+');
    const results = (await transaction.flushall().exec()) ?? [];
    return orderIdsIn(results.slice(0, -1).map(([, entries]) => entries as Entries));
  }
}

type Entries = [id: string, fields: string[]][];

/** Entries hold one order a line, or one wish to cancel; each begins with the order's id. */
function orderIdsIn(outboxes: readonly Entries[]): Set<string> {
  const lines = outboxes.flat().flatMap(([, fields]) =>
    fields.flatMap((value, index) => {
      const name = fields[index - 1];
      return index % 2 === 1 && (name === 'orders' || name === 'cancel') ? value.split('\n') : [];
    }),
  );
  return new Set(lines.map((line) => line.split(' ')[0] ?? ''));
}
