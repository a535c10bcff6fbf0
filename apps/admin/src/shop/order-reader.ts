import { ORDER_STATES, orderIdRange, statusOfState, type OrderStatus, type ShopOrder } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type OrderFacts, shopOrder } from './shop-order';

export interface OrderFilter {
  readonly saleId: string | undefined;
  readonly status: OrderStatus | undefined;
  /** Id of the last order that was seen. */
  readonly after: string | undefined;
}

/** The matching ones of a run of orders, by id. */
export interface OrderRun {
  readonly orders: readonly ShopOrder[];
  /** How many orders were looked at. */
  readonly looked: number;
  /** Id of the last of them; undefined where there was none. */
  readonly lastId: string | undefined;
}

export interface OrderPage {
  readonly orders: readonly ShopOrder[];
  /** Where to go on; null at the end. */
  readonly next: string | null;
}

/** Orders that one statement looks at: about 0.5 MB in memory, and 10 ms of this process. */
const MOST_PER_READ = 500;
/** Orders that one page looks at, so that a rare status costs no page a walk through the archive. */
const MOST_PER_PAGE = 10_000;
/** Behind every order id: those have no `~`. */
const BEHIND_ALL = '~';

/** Lists orders by id, parked ones too, without locking anything. One that comes meanwhile may be left out. */
@Injectable()
export class OrderReader {
  constructor(private readonly dataSource: DataSource) {}

  /** All that match, run by run, in constant memory. Holds no connection between two runs. */
  async *runs(filter: OrderFilter, firstRead = MOST_PER_READ): AsyncGenerator<OrderRun, void, undefined> {
    let { after } = filter;
    let count = firstRead;
    for (;;) {
      const run = await this.read({ ...filter, after }, count);
      yield run;
      if (run.lastId === undefined || run.looked < count) return;
      after = run.lastId;
      count = Math.min(2 * count, MOST_PER_READ);
    }
  }

  /** May have fewer orders than `limit` and a `next` all the same, where few of those looked at match. */
  async page(filter: OrderFilter, limit: number): Promise<OrderPage> {
    const orders: ShopOrder[] = [];
    let looked = 0;
    for await (const run of this.runs(filter, limit)) {
      orders.push(...run.orders);
      looked += run.looked;
      if (orders.length >= limit)
        return { orders: orders.slice(0, limit), next: orders[limit - 1]?.orderId ?? null };
      if (looked >= MOST_PER_PAGE) return { orders, next: run.lastId ?? null };
    }
    return { orders, next: null };
  }

  private async read({ saleId, status, after = '' }: OrderFilter, count: number): Promise<OrderRun> {
    const [begin, end] = saleId === undefined ? ['', BEHIND_ALL] : orderIdRange(saleId);
    const states =
      status === undefined ? ORDER_STATES : ORDER_STATES.filter((state) => statusOfState(state) === status);
    const rows: readonly Row[] = await this.dataSource.query(READ, [
      after > begin ? after : begin,
      end,
      count,
      states,
    ]);
    const [first] = rows;
    return {
      orders: rows
        .filter(isOrder)
        .map((row) => shopOrder(row, { priceMinor: Number(row.priceMinor), currency: row.currency })),
      looked: first?.looked ?? 0,
      lastId: first?.lastId ?? undefined,
    };
  }
}

interface Bounds {
  readonly looked: number;
  readonly lastId: string | null;
}
type OrderRow = OrderFacts & Bounds & { readonly priceMinor: string; readonly currency: string };
type Row = OrderRow | (Bounds & { readonly orderId: null });

/** As JSON has it. Reading a date and writing it again would take most of an export's time. */
function iso(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** Always has a row: what was looked at, also where nothing of it matches. */
const READ = `
  WITH looked AS MATERIALIZED (
    SELECT order_id, sale_id, product_id, shopper_id, quantity, state, reason, accepted_at, decided_at, hold_until
      FROM orders WHERE order_id > $1 AND order_id < $2 ORDER BY order_id LIMIT $3
  ), matching AS (
    SELECT looked.*, price_minor, currency FROM looked JOIN items USING (sale_id, product_id) WHERE state = ANY($4)
  )
  SELECT bounds.looked, bounds.last_id AS "lastId", order_id AS "orderId", sale_id AS "saleId",
         product_id AS "productId", shopper_id AS "shopperId", quantity, state, reason,
         ${iso('accepted_at')} AS "acceptedAt", ${iso('decided_at')} AS "decidedAt",
         ${iso('hold_until')} AS "holdUntil", price_minor AS "priceMinor", currency
    FROM (SELECT count(*)::integer AS looked, max(order_id) AS last_id FROM looked) bounds
    LEFT JOIN matching ON true
   ORDER BY order_id`;

function isOrder(row: Row): row is OrderRow {
  return row.orderId !== null;
}
