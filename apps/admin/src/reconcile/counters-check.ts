import { type ItemRef, itemName } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Alarm } from './alarm';

const COUNTERS = ['held', 'sold', 'parked'] as const;
type Counters = Readonly<Record<(typeof COUNTERS)[number], number>>;

/** An item is counted at most this often. */
const EVERY_MS = 60_000;
/** Counting reads every order of the item: so that it never takes more than this part of PostgreSQL's time. */
const PART_OF_TIME = 1 / 200;
/** A round begins no count after this. */
const ROUND_MS = 1_000;

interface Counted {
  readonly dueAtMs: number;
  readonly wrong: Alarm | undefined;
}

/** Whether the ledger's counters are the sums of its orders. */
@Injectable()
export class CountersCheck {
  private counted = new Map<string, Counted>();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Counts the items that are due. @returns what is wrong, of items that were counted before too
   * @throws where PostgreSQL fails
   */
  async round(items: readonly ItemRef[], signal: AbortSignal): Promise<readonly Alarm[]> {
    const startedAt = performance.now();
    const counted = new Map<string, Counted>();
    for (const item of items) {
      const name = itemName(item);
      const last = this.counted.get(name);
      const isDue = (last?.dueAtMs ?? 0) <= performance.now();
      const found = isDue && performance.now() - startedAt < ROUND_MS ? await this.count(item) : last;
      if (found !== undefined) counted.set(name, found);
      signal.throwIfAborted();
    }
    this.counted = counted;
    return [...counted.values()].flatMap(({ wrong }) => wrong ?? []);
  }

  private async count(item: ItemRef): Promise<Counted> {
    const { saleId, productId } = item;
    const startedAt = performance.now();
    const rows: { readonly ledger: Counters; readonly orders: Counters }[] = await this.dataSource.query(
      // One statement sees both at one moment. An order's id begins with `<item>.`, and `/` follows `.` in byte
      // order: one range of the primary key.
      `SELECT json_build_object('held', held, 'sold', sold, 'parked', parked) AS ledger, orders
       FROM ledger, LATERAL (
         SELECT json_build_object(
                  'held', coalesce(sum(quantity) FILTER (WHERE state = 'confirmed'), 0),
                  'sold', coalesce(sum(quantity) FILTER (WHERE state = 'paid'), 0),
                  'parked', coalesce(sum(booked) FILTER (WHERE state = 'parked'), 0)
                ) AS orders
         FROM orders WHERE order_id > $3 || '.' AND order_id < $3 || '/'
       ) counted
       WHERE sale_id = $1 AND product_id = $2`,
      [saleId, productId, itemName(item)],
    );
    const tookMs = performance.now() - startedAt;
    const dueAtMs = performance.now() + Math.max(EVERY_MS, tookMs / PART_OF_TIME);
    return { dueAtMs, wrong: rows[0] === undefined ? undefined : wrongIn(item, rows[0]) };
  }
}

function wrongIn(
  item: ItemRef,
  { ledger, orders }: { readonly ledger: Counters; readonly orders: Counters },
): Alarm | undefined {
  const wrong = COUNTERS.filter((counter) => ledger[counter] !== orders[counter]);
  if (wrong.length === 0) return undefined;
  const detail = wrong.map(
    (name) => `${name} is ${ledger[name]} in the ledger, ${orders[name]} by its orders`,
  );
  return { kind: 'counters', item, detail: detail.join('; ') };
}
