import type { PublicSale } from '@flux/contracts';
import type { GateItem } from '@flux/gate';
import { readStock } from './room-stock';

const ITEM = { state: 'open', available: 3, isExhausted: false } as GateItem;
const EXHAUSTED = { ...ITEM, available: 0, isExhausted: true };

function stockOf(items: readonly (Partial<GateItem> | undefined)[], state: PublicSale['state'] = 'open') {
  const found = new Map(items.map((item, index) => [`p${index}`, item && { ...ITEM, ...item }]));
  const sale = { id: 's', state, items: [...found.keys()].map((productId) => ({ productId })) };
  const gate = { readItem: ({ productId }: { productId: string }) => Promise.resolve(found.get(productId)) };
  return readStock(gate, sale as unknown as PublicSale);
}

it.each([
  ['what all items have', [{ available: 3 }, { available: 4 }], { available: 7 }],
  ['what is not paused', [{ state: 'paused' as const, available: 3 }, { available: 4 }], { available: 4 }],
  ['nothing while all are paused', [{ state: 'paused' as const }], { available: 0, halted: 'closed' }],
  ['nothing of an item that is built anew', [undefined], { available: 0, halted: 'recovering' }],
  [
    'nothing of one that waits for it',
    [{ state: 'suspended' as const }],
    { available: 0, halted: 'recovering' },
  ],
  ['nothing of a stock that is missing', [{ available: undefined }], { available: 0, halted: 'recovering' }],
  ['the end only where every item has ended', [EXHAUSTED, ITEM], { isExhausted: false, available: 3 }],
  ['the end', [EXHAUSTED, EXHAUSTED], { isExhausted: true, available: 0, halted: undefined }],
])('the stock of a sale is %s', async (_name, items, expected) => {
  expect(await stockOf(items)).toMatchObject(expected);
});

it.each(['scheduled', 'paused', 'closed'] as const)('nobody can buy in a sale that is %s', async (state) => {
  expect(await stockOf([ITEM], state)).toEqual({ available: 0, isExhausted: false, halted: 'closed' });
});
