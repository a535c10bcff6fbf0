import type { ShopOrder } from '@flux/contracts';
import { csvOf, ndjsonOf } from './order-export';
import type { OrderRun } from './order-reader';

const order: ShopOrder = {
  orderId: 'drop.shoe.0123456789012345678901',
  saleId: 'drop',
  productId: 'shoe',
  shopperId: 'ann',
  quantity: 2,
  amountMinor: 3_998,
  currency: 'EUR',
  status: 'confirmed',
  acceptedAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-01T10:00:01.000Z',
  holdUntil: '2026-01-01T10:10:01.000Z',
};

async function* runsOf(...runs: readonly (readonly ShopOrder[])[]): AsyncGenerator<OrderRun> {
  for (const orders of runs) yield await Promise.resolve({ orders, looked: 9, lastId: 'x' });
}

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text += part;
  return text;
}

const HEADER =
  'orderId,saleId,productId,shopperId,quantity,amountMinor,currency,status,reason,acceptedAt,updatedAt,holdUntil\r\n';

describe('an export', () => {
  it('as CSV has a header, a line an order, and nothing for what is not there', async () => {
    const { holdUntil, ...paid } = { ...order, status: 'paid' as const };
    expect(holdUntil).toBeDefined();
    expect(await textOf(csvOf(runsOf([order], [], [paid])))).toBe(
      `${HEADER}drop.shoe.0123456789012345678901,drop,shoe,ann,2,3998,EUR,confirmed,,2026-01-01T10:00:00.000Z,2026-01-01T10:00:01.000Z,2026-01-01T10:10:01.000Z\r\n` +
        'drop.shoe.0123456789012345678901,drop,shoe,ann,2,3998,EUR,paid,,2026-01-01T10:00:00.000Z,2026-01-01T10:00:01.000Z,\r\n',
    );
    expect(await textOf(csvOf(runsOf()))).toBe(HEADER);
  });

  it.each([
    ['plain', 'plain'],
    ['a, b', '"a, b"'],
    ['say "no"', '"say ""no"""'],
    ['two\nlines', '"two\nlines"'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['"', '""""'],
    [' äöü 🙂 ', ' äöü 🙂 '],
    ['=1+1', '=1+1'],
  ])('as CSV writes the reason %j as %j', async (reason, field) => {
    const text = await textOf(csvOf(runsOf([{ ...order, reason }])));
    expect(text).toBe(
      `${HEADER}drop.shoe.0123456789012345678901,drop,shoe,ann,2,3998,EUR,confirmed,${field},2026-01-01T10:00:00.000Z,2026-01-01T10:00:01.000Z,2026-01-01T10:10:01.000Z\r\n`,
    );
  });

  it('as NDJSON has an object a line', async () => {
    const text = await textOf(ndjsonOf(runsOf([order], [{ ...order, reason: 'two\nlines' }])));
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      order,
      { ...order, reason: 'two\nlines' },
    ]);
  });
});
