import type { Bounds } from './rules';

const CALM = {
  ...{ initial: 1, orders: ['a', 'b'], messages: 3, copies: 1, rebuilders: 1 },
  ...{
    snapshots: 0,
    failovers: 0,
    wipes: 0,
    deletions: 0,
    rebuilds: 0,
    crashes: 0,
    expiries: 0,
    payments: 0,
  },
};

/** One buyer for one unit, where more would not fit into seconds. */
const ALONE = { ...CALM, orders: ['a'] };

/** What every test run explores: small, each about one fault. */
export const SMALL: readonly Bounds[] = [
  { ...CALM, name: 'no fault, messages twice, an expiry', copies: 2, expiries: 1 },
  { ...CALM, name: 'an empty Redis, a rebuild that dies', wipes: 1, rebuilds: 2, crashes: 1 },
  { ...CALM, name: 'the stock key is deleted', deletions: 1, rebuilds: 1 },
  { ...CALM, name: 'a failover that loses writes', snapshots: 1, failovers: 1, rebuilds: 1 },
  { ...ALONE, name: 'a failover in a rebuild', deletions: 1, snapshots: 1, failovers: 1, rebuilds: 2 },
  { ...ALONE, name: 'two empty Redis, changes meanwhile', wipes: 2, rebuilds: 3, expiries: 1, payments: 1 },
  { ...ALONE, name: 'two failovers', initial: 2, snapshots: 2, failovers: 2, rebuilds: 2 },
  { ...ALONE, name: 'a rebuilder that lost its lock', wipes: 1, rebuilds: 2, rebuilders: 2 },
];

/** What the long run explores on top. */
export const LARGE: readonly Bounds[] = [
  { ...CALM, name: 'three buyers of two units', initial: 2, orders: ['a', 'b', 'c'], expiries: 1 },
  { ...CALM, name: 'an empty Redis, two units', initial: 2, wipes: 1, rebuilds: 2, crashes: 1 },
  { ...CALM, name: 'a failover in a rebuild', deletions: 1, snapshots: 1, failovers: 1, rebuilds: 2 },
  { ...CALM, name: 'a failover, changes meanwhile', snapshots: 1, failovers: 1, rebuilds: 1, expiries: 1 },
  { ...ALONE, name: 'two rebuilds at once, an expiry', wipes: 1, rebuilds: 2, rebuilders: 2, expiries: 1 },
  { ...ALONE, name: 'three rebuilds, two at once', wipes: 2, rebuilds: 3, rebuilders: 2 },
];
