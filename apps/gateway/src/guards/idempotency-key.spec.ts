import { readIdempotencyKey } from './idempotency-key';

const KEY = 'abcdefghijklmnop';

describe('readIdempotencyKey', () => {
  it.each([
    ['the header of the draft', { 'idempotency-key': KEY }],
    ['its quotes', { 'idempotency-key': `"${KEY}"` }],
    ['the older name', { 'x-idempotency-key': KEY }],
    ['both, the same', { 'idempotency-key': `"${KEY}"`, 'x-idempotency-key': KEY }],
  ])('takes %s', (_name, headers) => {
    expect(readIdempotencyKey(headers)).toEqual({ outcome: 'key', key: KEY });
  });

  it.each([
    ['none', {}],
    ['an empty one', { 'idempotency-key': '' }],
    ['an empty one beside a good one', { 'idempotency-key': '', 'x-idempotency-key': KEY }],
    ['two that differ', { 'idempotency-key': KEY, 'x-idempotency-key': `${KEY}q` }],
    ['one sent twice', { 'idempotency-key': `${KEY}, ${KEY}` }],
    ['too short a one', { 'idempotency-key': KEY.slice(1) }],
    ['too long a one', { 'idempotency-key': KEY.repeat(5) }],
    ['a line break', { 'idempotency-key': `${KEY}\n` }],
    ['a backslash in quotes', { 'idempotency-key': `"${KEY}\\"` }],
  ])('refuses %s', (_name, headers) => {
    const reading = readIdempotencyKey(headers);
    expect(reading.outcome).toBe('refused');
    expect(JSON.stringify(reading)).not.toContain(KEY);
  });
});
