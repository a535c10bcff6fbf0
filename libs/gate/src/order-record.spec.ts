import { ORDER_STATUSES } from '@flux/contracts';
import fc from 'fast-check';
import { UnexpectedReplyError } from './gate-error';
import { decodeRecord, encodeRecord, gateOrder, shopperHashOf, stateLetter, statusOf } from './order-record';
import type { OrderRecord } from './order-record';

const TEXT = '-|7|2|1790000000000|abcdefghijk|0123456789abcdef';
const ORDER_ID = `sale.product.${'x'.repeat(22)}`;

const base64url = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('A', 'B', 'x', 'y', '0', '9', '-', '_'), { minLength: length, maxLength: length })
    .map((letters) => letters.join(''));

const anyRecord: fc.Arbitrary<OrderRecord> = fc.record({
  state: fc.constantFrom(undefined, ...ORDER_STATUSES),
  sequence: fc.nat(10_000_000),
  quantity: fc.integer({ min: 1, max: 10 }),
  acceptedAtMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  fingerprint: base64url(11),
  shopperHash: base64url(16),
  changedAtMs: fc.constantFrom(undefined, 1_790_000_000_001),
});

describe('a record', () => {
  it('survives its encoding', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it('has the shape that the scripts write', () => {
    expect(encodeRecord(decodeRecord(TEXT))).toBe(TEXT);
    expect(new Set(ORDER_STATUSES.map(stateLetter)).size).toBe(ORDER_STATUSES.length);
  });

  it.each([
    '',
    'foreign',
    TEXT.slice(1),
    `${TEXT}|`,
    `${TEXT}|x`,
    TEXT.replace('7', '-7'),
    TEXT.replace('-', 'z'),
  ])('is not %p', (text) => {
    expect(() => decodeRecord(text)).toThrow(UnexpectedReplyError);
  });
});

describe('the status', () => {
  const record = decodeRecord(TEXT);

  it('follows from the watermark where the record has none of its own', () => {
    expect(statusOf(record, 6)).toBe('accepted');
    expect(statusOf(record, 7)).toBe('confirmed');
    expect(statusOf({ ...record, state: 'accepted' }, 7)).toBe('accepted');
    expect(statusOf({ ...record, state: 'rejected' }, 7)).toBe('rejected');
  });

  it('was reached when the record says, or the timeline, or when the order was accepted', () => {
    const updated = (own: Partial<OrderRecord>, watermark: number): number =>
      gateOrder(ORDER_ID, { ...record, ...own }, { watermark, settledAtMs: 20 }).updatedAtMs;
    expect(updated({}, 6)).toBe(record.acceptedAtMs);
    expect(updated({}, 7)).toBe(20);
    expect(updated({ state: 'paid', changedAtMs: 30 }, 7)).toBe(30);
    expect(gateOrder(ORDER_ID, record, { watermark: 7, settledAtMs: undefined }).updatedAtMs).toBe(
      record.acceptedAtMs,
    );
  });

  it('belongs to an order with an order’s id', () => {
    expect(() => gateOrder('x', record, { watermark: 0, settledAtMs: undefined })).toThrow(
      UnexpectedReplyError,
    );
  });
});

it('keeps of a shopper 16 characters, other ones for another shopper', () => {
  expect(shopperHashOf('ann')).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(shopperHashOf('ann')).not.toBe(shopperHashOf('bob'));
});
