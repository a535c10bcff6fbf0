import type { ShopOrder } from '@flux/contracts';
import type { OrderRun } from './order-reader';

/** In this order, for ever: who reads a file by position relies on it. New columns go to the end. */
const COLUMNS = [
  'orderId',
  'saleId',
  'productId',
  'shopperId',
  'quantity',
  'amountMinor',
  'currency',
  'status',
  'reason',
  'acceptedAt',
  'updatedAt',
  'holdUntil',
] as const satisfies readonly (keyof ShopOrder)[];

const NEEDS_QUOTES = /[",\r\n]/;

/** RFC 4180, with a header line. What an order does not have is empty. */
export async function* csvOf(runs: AsyncIterable<OrderRun>): AsyncGenerator<string, void, undefined> {
  yield csvLine(COLUMNS);
  yield* textOf(runs, (order) => csvLine(COLUMNS.map((name) => order[name])));
}

/** One JSON object a line. */
export async function* ndjsonOf(runs: AsyncIterable<OrderRun>): AsyncGenerator<string, void, undefined> {
  yield* textOf(runs, (order) => `${JSON.stringify(order)}\n`);
}

async function* textOf(
  runs: AsyncIterable<OrderRun>,
  lineOf: (order: ShopOrder) => string,
): AsyncGenerator<string, void, undefined> {
  for await (const { orders } of runs) {
    if (orders.length > 0) yield orders.map(lineOf).join('');
  }
}

function csvLine(values: readonly (string | number | undefined)[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number | undefined): string {
  const text = String(value ?? '');
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
