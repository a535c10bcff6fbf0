import type { Left, OrderId } from './state';

/** What the model leaves out when it is mutated. `DESIGN` is the product. */
export interface Rules {
  /** The ledger refuses events of an older epoch beyond its closing offset. */
  readonly fencesOldEpochs: boolean;
  /** The closing offset is the partition's end after the rest of the outbox has been sent, not before. */
  readonly notesEndAfterRelay: boolean;
  /** The epoch is raised only once the orders processes have come to that offset. */
  readonly waits: boolean;
  /** The units are counted in the transaction that raises the epoch, not when the end is noted. */
  readonly countsWhenRaised: boolean;
  readonly writesRecords: boolean;
  /** A suspended gate accepts nothing. */
  readonly suspendedRefuses: boolean;
  /** begin, page and end look at the gate's epoch and at how far it is written. */
  readonly gateStepsTestEpoch: boolean;
  /** The epoch is raised only where it is still the one that the rebuild began with. */
  readonly raiseComparesEpoch: boolean;
  /** The old gate goes before the units are counted: what ends then is in the count or told to the new gate. */
  readonly beginsBeforeRaise: boolean;
  /** begin refuses a gate at work that this rebuild has not closed: Redis went back meanwhile. */
  readonly beginLooksAtGate: boolean;
  /** end refuses a gate that another rebuild has closed since: that one has read its outbox, and nothing may come after. */
  readonly endLooksAtGate: boolean;
  readonly settleTestsEpoch: boolean;
  readonly releaseTestsEpoch: boolean;
  /** A gate without the order at the watermark went back in time. */
  readonly watermarkOrderIsCompared: boolean;
}

export const DESIGN: Rules = {
  fencesOldEpochs: true,
  notesEndAfterRelay: true,
  waits: true,
  countsWhenRaised: true,
  writesRecords: true,
  suspendedRefuses: true,
  gateStepsTestEpoch: true,
  raiseComparesEpoch: true,
  beginsBeforeRaise: true,
  beginLooksAtGate: true,
  endLooksAtGate: true,
  settleTestsEpoch: true,
  releaseTestsEpoch: true,
  watermarkOrderIsCompared: true,
};

/** How far the exploration goes. */
export interface Bounds extends Left {
  readonly name: string;
  readonly initial: number;
  readonly orders: readonly OrderId[];
  /** Most messages in the partition. */
  readonly messages: number;
  /** Of one outbox entry. */
  readonly copies: number;
  /** Rebuilds at work at once: 2 where one that lost its lock goes on. */
  readonly rebuilders: number;
}

export interface Context {
  readonly bounds: Bounds;
  readonly rules: Rules;
}
