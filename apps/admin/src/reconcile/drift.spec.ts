import type { GateItem } from '@flux/gate';
import { driftOf, type LedgerSide } from './drift';

const GATE: GateItem = {
  epoch: 2,
  state: 'open',
  opensAtMs: 0,
  closesAtMs: 1,
  perShopperLimit: 1,
  sequence: 7,
  watermark: 7,
  version: 3,
  available: 10,
  outboxLength: 0,
  room: undefined,
  isExhausted: false,
};
const LEDGER: LedgerSide = { epoch: 2, watermark: 7, isSuspended: false, free: 10, unfinished: [] };

interface Changes {
  readonly before?: Partial<GateItem> | null;
  readonly ledger?: Partial<LedgerSide>;
  readonly after?: Partial<GateItem> | null;
}

/** As if both readings of the gate were equal, unless told otherwise. */
function judge({ before = {}, ledger = {}, after = before }: Changes) {
  const gate = (changes: Partial<GateItem> | null) =>
    changes === null ? undefined : { ...GATE, ...changes };
  return driftOf({ before: gate(before), ledger: { ...LEDGER, ...ledger }, after: gate(after) });
}

const seen = { epoch: 2, sequence: 7, version: 3, available: 10, expected: 10 };

it('finds nothing where gate and ledger agree', () => {
  expect(judge({})).toEqual({ kind: 'none' });
});

describe('a surplus', () => {
  it('is what the gate has more than the ledger, whatever is on its way', () => {
    const ledger = { free: 8, unfinished: ['a stock change is half done'] };
    const surplus = { kind: 'surplus', units: 2, seen: { ...seen, expected: 8 } };
    expect(judge({ ledger })).toEqual(surplus);
    expect(judge({ before: { outboxLength: 5, watermark: 2 }, ledger })).toEqual(surplus);
  });

  it('is proven by the fewer units of two readings between which none was added', () => {
    const after = { sequence: 8, available: 9, outboxLength: 1 };
    const proof = { ...seen, sequence: 8, available: 9 };
    expect(judge({ before: {}, ledger: { free: 8 }, after })).toEqual({
      kind: 'surplus',
      units: 1,
      seen: { ...proof, expected: 8 },
    });
    expect(judge({ before: {}, ledger: { free: 9 }, after })).toEqual({ kind: 'moving' });
  });

  it('is none where units came to the gate in between', () => {
    const after = { version: 4, available: 12 };
    expect(judge({ before: {}, ledger: { free: 8 }, after })).toEqual({ kind: 'moving' });
  });
});

describe('a deficit', () => {
  it('is what the ledger has more than a gate that stands still and has nothing to relay', () => {
    const deficit = { kind: 'deficit', units: 2, seen: { ...seen, expected: 12 } };
    expect(judge({ ledger: { free: 12 } })).toEqual({ ...deficit, obstacles: [] });
    const ledger = { free: 12, unfinished: ['a stock change is half done'] };
    expect(judge({ ledger })).toEqual({ ...deficit, obstacles: ledger.unfinished });
  });

  it.each<[string, Changes]>([
    ['orders wait in the outbox', { before: { outboxLength: 1 } }],
    ['orders came into the outbox', { before: {}, after: { outboxLength: 1 } }],
    ['units were taken in between', { before: { available: 11 }, after: {} }],
    ['an order came in between', { before: { sequence: 6, watermark: 6 }, after: {} }],
    ['the version rose in between', { before: { version: 2 }, after: {} }],
  ])('is none where %s', (_, changes) => {
    expect(judge({ ...changes, ledger: { free: 12 } })).toEqual({ kind: 'moving' });
  });

  it.each<[string, Changes]>([
    ['the gate numbered orders that the outbox lacks', { before: { sequence: 8 } }],
    ['a settle is still to come', { before: { watermark: 6 } }],
    ['the ledger is further than the gate', { ledger: { watermark: 8 } }],
  ])('has an obstacle where %s', (_, { before, ledger }) => {
    const drift = judge({ ...(before === undefined ? {} : { before }), ledger: { ...ledger, free: 12 } });
    expect(drift).toMatchObject({ kind: 'deficit', obstacles: [expect.stringContaining('settled')] });
  });
});

it.each<[string, Changes]>([
  ['the gate lacks the item', { before: null }],
  ['the gate lost the item in between', { after: null }],
  ['the gate lacks its stock', { before: { available: undefined } }],
  ['the gate is suspended', { before: { state: 'suspended' } }],
  ['the ledger waits for a rebuild', { ledger: { isSuspended: true } }],
  ['the gate is of an older epoch', { before: { epoch: 1 } }],
  ['the gate is of a newer epoch', { before: { epoch: 3 } }],
  ['the epoch changed in between', { before: { epoch: 1 }, after: {} }],
  ['PostgreSQL went back behind the gate', { ledger: { watermark: 6 } }],
])('leaves an item alone where %s', (_, changes) => {
  for (const free of [8, 12]) {
    expect(judge({ ...changes, ledger: { ...changes.ledger, free } })).toEqual({ kind: 'elsewhere' });
  }
});
