import { decodeOutboxEntry } from './outbox-entry';

const item = { saleId: 'autumn', productId: 'shoe' };
const line = (shopper: string): string => `autumn.shoe.${'x'.repeat(22)} ${shopper} 2 abcdefghijk`;
const fields = ['first', '4', 'at', '1790000000000', 'orders', `${line('ann')}\n${line('bob')}`];

it('is the event that the script wrote', () => {
  expect(decodeOutboxEntry(item, '3-5', fields)).toMatchObject({
    outcome: 'event',
    id: '3-5',
    event: { epoch: 3, firstSequence: 4, orders: [{ shopperId: 'ann', quantity: 2 }, { shopperId: 'bob' }] },
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
])('is unreadable with %s', (_, id, flat) => {
  expect(decodeOutboxEntry(item, id, flat)).toMatchObject({ outcome: 'unreadable', id });
});
