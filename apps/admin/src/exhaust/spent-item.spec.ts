import type { GateItem } from '@flux/gate';
import { emptyGateOf, isSpent } from './spent-item';

const item = { saleId: 'drop', productId: 'shoe' };
const gate: GateItem = {
  epoch: 2,
  state: 'open',
  opensAtMs: 0,
  closesAtMs: 9_000,
  perShopperLimit: 1,
  sequence: 7,
  watermark: 7,
  version: 3,
  available: 0,
  outboxLength: 0,
  room: undefined,
  isExhausted: false,
};
const seen = { ...item, epoch: 2, version: 3, sequence: 7 };

it('is as the gate was seen', () => {
  expect(emptyGateOf(item, gate)).toEqual(seen);
  expect(emptyGateOf(item, { ...gate, state: 'paused' })).toEqual(seen);
});

it.each<Partial<GateItem>>([
  { available: 1 },
  { available: undefined },
  { isExhausted: true },
  { state: 'closed' },
  { state: 'suspended' },
  { outboxLength: 1 },
  { watermark: 6 },
])('is not asked about while %j', (changes) => {
  expect(emptyGateOf(item, { ...gate, ...changes })).toBeUndefined();
  expect(emptyGateOf(item, undefined)).toBeUndefined();
});

it('is spent where the ledger has the same orders, in the same epoch', () => {
  expect(isSpent(seen, { ...item, epoch: 2, watermark: 7 })).toBe(true);
  expect(isSpent(seen, { ...item, epoch: 2, watermark: 6 })).toBe(false);
  expect(isSpent(seen, { ...item, epoch: 3, watermark: 7 })).toBe(false);
  expect(isSpent(seen, undefined)).toBe(false);
});
