import { SMALL } from './bounds';
import type { Bounds, Rules } from './rules';

/** What is taken out of the product, where that shows, and what is then found. */
export interface Mutation {
  readonly mutation: string;
  readonly rules: Partial<Rules>;
  readonly bounds: Bounds;
  readonly finds: RegExp;
}

function boundsOf(words: string): Bounds {
  const found = SMALL.find(({ name }) => name.includes(words));
  if (found === undefined) throw new Error(`there are no bounds ${words}`);
  return found;
}

const WIPE = boundsOf('an empty Redis');
const STOCK = boundsOf('stock key');
const IN_REBUILD = boundsOf('in a rebuild');
const FAILOVER = boundsOf('loses writes');
const CHANGES = boundsOf('changes meanwhile');
const LOST_LOCK = boundsOf('lost its lock');

export const MUTATIONS: readonly Mutation[] = [
  {
    mutation: 'the ledger takes events of every epoch',
    rules: { fencesOldEpochs: false },
    bounds: WIPE,
    finds: /confirmed by an event of epoch 1 at 0, beyond the closing offset/,
  },
  {
    mutation: 'the end is noted before the rest is relayed',
    rules: { notesEndAfterRelay: false },
    bounds: STOCK,
    finds: /accepted by a sound gate in epoch 1, and rejected \(old-epoch\)/,
  },
  {
    mutation: 'the epoch is raised before orders has come to the end',
    rules: { waits: false },
    bounds: STOCK,
    finds: /1 available \+ 0 unsettled \+ 1 held/,
  },
  {
    mutation: 'the units are counted before the wait',
    rules: { countsWhenRaised: false },
    bounds: WIPE,
    finds: /1 available \+ 0 unsettled \+ 1 held/,
  },
  {
    mutation: 'the orders are not written into the new gate',
    rules: { writesRecords: false },
    bounds: WIPE,
    finds: /has a row, and the gate does not know it/,
  },
  {
    mutation: 'a suspended gate goes on selling',
    rules: { suspendedRefuses: false },
    bounds: FAILOVER,
    finds: /a suspended gate accepted an order/,
  },
  {
    mutation: 'begin does not look at what it deletes',
    rules: { beginLooksAtGate: false },
    bounds: IN_REBUILD,
    finds: /in no outbox, not in Kafka and without a row/,
  },
  {
    mutation: 'end does not ask whether another rebuild has closed the gate',
    rules: { endLooksAtGate: false },
    bounds: { ...LOST_LOCK, wipes: 2 },
    finds: /accepted by a sound gate in epoch 2, and rejected \(old-epoch\)/,
  },
  {
    mutation: 'pages and end do not ask whose gate it is',
    rules: { gateStepsTestEpoch: false },
    bounds: LOST_LOCK,
    finds: /1 available \+ 1 unsettled/,
  },
  {
    mutation: 'a rebuild that was overtaken raises the epoch',
    rules: { raiseComparesEpoch: false },
    bounds: { ...LOST_LOCK, wipes: 2 },
    finds: /./,
  },
  {
    mutation: 'the epoch is raised before the old gate goes',
    rules: { beginsBeforeRaise: false },
    bounds: CHANGES,
    finds: /0 available \+ 0 unsettled \+ 0 held/,
  },
  {
    mutation: 'settle does not ask for the epoch',
    rules: { settleTestsEpoch: false },
    bounds: WIPE,
    finds: /a sound gate was closed/,
  },
  {
    mutation: 'settle does not ask for the order at the watermark',
    rules: { watermarkOrderIsCompared: false },
    bounds: FAILOVER,
    finds: /in no outbox, not in Kafka and without a row/,
  },
  {
    mutation: 'release does not ask for the epoch',
    rules: { releaseTestsEpoch: false },
    bounds: CHANGES,
    finds: /2 available \+ 0 unsettled \+ 0 held/,
  },
];
