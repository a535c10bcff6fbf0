import { ordersOf } from '@flux/contracts';
import { decodeOutboxEntry } from './outbox-entry';

const item = { saleId: 'autumn', productId: 'shoe' };
const line = (shopper: string): string => `autumn.shoe.${'x'.repeat(22)} ${shopper} 2 abcdefghijk`;
const wish = `autumn.shoe.${'x'.repeat(22)} ann`;
const fields = ['first', '4', 'at', '1790000000000', 'orders', `${line('ann')}\n${line('bob')}`];

it('is the event that the script wrote', () => {
  expect(decodeOutboxEntry(item, '3-5', fields)).toMatchObject({
    outcome: 'event',
    id: '3-5',
    event: { epoch: 3, firstSequence: 4, orders: [{ shopperId: 'ann', quantity: 2 }, { shopperId: 'bob' }] },
  });
});

it('has the pass that an order redeemed, where it did', () => {
  const text = `${line('ann')}\n${line('bob')} pass-of-bob-0001`;
  const read = decodeOutboxEntry(item, '3-5', ['first', '4', 'at', '1790000000000', 'orders', text]);
  const [ann, bob] = read.outcome === 'event' ? ordersOf(read.event) : [];
  expect(ann).not.toHaveProperty('passId');
  expect(bob).toMatchObject({ shopperId: 'bob', passId: 'pass-of-bob-0001' });
});

it('may be a wish to cancel, with a sequence of its own', () => {
  const intent = ['first', '5', 'at', '1790000000000', 'cancel', wish];
  expect(decodeOutboxEntry(item, '3-5', intent)).toEqual({
    outcome: 'event',
    id: '3-5',
    event: {
      type: 'cancel-requested.v1',
      ...item,
      epoch: 3,
      firstSequence: 5,
      acceptedAtMs: 1_790_000_000_000,
      orderId: `autumn.shoe.${'x'.repeat(22)}`,
      shopperId: 'ann',
    },
  });
});

it.each([
  ['an id that is not the last sequence', '3-6', fields],
  ['no fields', '3-5', []],
  [
    'an order of another item',
    '3-4',
    ['first', '4', 'at', '1', 'orders', line('ann').replace('shoe', 'hat')],
  ],
  ['a missing word', '3-4', ['first', '4', 'at', '1', 'orders', 'x ann']],
  ['half a pass', '3-4', ['first', '4', 'at', '1', 'orders', `${line('ann')} pass`]],
  ['a wish without a shopper', '3-4', ['first', '4', 'at', '1', 'cancel', `autumn.shoe.${'x'.repeat(22)}`]],
  ['a wish whose id is not its sequence', '3-5', ['first', '4', 'at', '1', 'cancel', wish]],
])('is unreadable with %s', (_, id, flat) => {
  expect(decodeOutboxEntry(item, id, flat)).toMatchObject({ outcome: 'unreadable', id });
});
