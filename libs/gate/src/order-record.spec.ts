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
  cancelSequence: fc.constantFrom(undefined, 1, 10_000_000),
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
    `${TEXT}||`,
    `${TEXT}|1|`,
    `${TEXT}|1|2|3`,
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
      gateOrder(ORDER_ID, { ...record, ...own }, { watermark, settledAtMs: 20, holdMs: 5 }).updatedAtMs;
    expect(updated({}, 6)).toBe(record.acceptedAtMs);
    expect(updated({}, 7)).toBe(20);
    expect(updated({ state: 'paid', changedAtMs: 30 }, 7)).toBe(30);
    const notDated = { watermark: 7, settledAtMs: undefined, holdMs: 5 };
    expect(gateOrder(ORDER_ID, record, notDated)).toMatchObject({
      updatedAtMs: record.acceptedAtMs,
      holdUntilMs: undefined,
    });
  });

  it('holds the units from the confirmation on, while it lasts and where the item says how long', () => {
    const hold = (own: Partial<OrderRecord>): number | undefined =>
      gateOrder(ORDER_ID, { ...record, ...own }, { watermark: 7, settledAtMs: 20, holdMs: 5 }).holdUntilMs;
    expect(hold({})).toBe(25);
    expect(hold({ state: 'confirmed', changedAtMs: 30 })).toBe(35);
    expect(hold({ sequence: 8 })).toBeUndefined();
    expect(hold({ state: 'paid', changedAtMs: 30 })).toBeUndefined();
    expect(gateOrder(ORDER_ID, record, { watermark: 7, settledAtMs: 20, holdMs: undefined })).toMatchObject({
      holdUntilMs: undefined,
    });
  });

  it('does not follow from the wish to cancel, which is told beside it', () => {
    const context = { watermark: 7, settledAtMs: 20, holdMs: 5 };
    const wished = decodeRecord(`${TEXT}||8`);
    expect(wished).toEqual({ ...record, cancelSequence: 8 });
    expect(gateOrder(ORDER_ID, wished, context)).toMatchObject({
      status: 'confirmed',
      cancelRequested: true,
    });
    expect(gateOrder(ORDER_ID, record, context)).toMatchObject({ cancelRequested: false });
  });

  it('belongs to an order with an order’s id', () => {
    expect(() => gateOrder('x', record, { watermark: 0, settledAtMs: undefined, holdMs: 5 })).toThrow(
      UnexpectedReplyError,
    );
  });
});

it('keeps of a shopper 16 characters, other ones for another shopper', () => {
  expect(shopperHashOf('ann')).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(shopperHashOf('ann')).not.toBe(shopperHashOf('bob'));
});
