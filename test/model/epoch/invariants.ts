import { givesWay } from '../../../libs/ledger/src/ledger-row';
import { needsRebuild } from './rebuild';
import type { Bounds } from './rules';
import type { Gate, GateRecord, Row, State } from './state';
import { isSomewhere, proofOf } from './transitions';

/** What holds in every state. The reason why it does not, or undefined. */
export function brokenIn(state: State, bounds: Bounds): string | undefined {
  return (
    oversold(state, bounds) ??
    lost(state) ??
    dishonest(state) ??
    soundGate(state, bounds) ??
    (isAtRest(state) ? brokenAtRest(state, bounds) : undefined)
  );
}

/** What holds of every step. */
export function brokenBy(before: State, after: State): string | undefined {
  const { gate } = after;
  if (
    before.gate?.suspended === true &&
    before.gate.epoch === gate?.epoch &&
    gate.sequence > before.gate.sequence
  ) {
    return 'a suspended gate accepted an order';
  }
  for (const row of Object.values(before.rows)) {
    const now = after.rows[row.orderId];
    if (now === undefined) return `${row.orderId}: its row is gone`;
    const same = now.state === row.state && now.epoch === row.epoch && now.sequence === row.sequence;
    const lives = row.state === 'confirmed' && now.state !== 'rejected' && now.epoch === row.epoch;
    if (!same && !lives && !givesWay(row, now.epoch)) {
      return `${row.orderId}: a ${row.state} row of epoch ${row.epoch} became ${now.state} in epoch ${now.epoch}`;
    }
  }
  return fenced(before, after);
}

/** Of an older epoch only what came up to the closing offset counts. */
function fenced({ ledger, log, rows }: State, after: State): string | undefined {
  if (after.rows === rows) return undefined;
  for (const { orderId, epoch, state } of Object.values(after.rows)) {
    const isNew = rows[orderId]?.epoch !== epoch;
    if (!isNew || state === 'rejected' || epoch >= ledger.epoch) continue;
    const offset = log.findIndex((message) => message.orderId === orderId && message.epoch === epoch);
    if (offset > (ledger.epochOffset ?? -1)) {
      return `${orderId}: ${state} by an event of epoch ${epoch} at ${offset}, beyond the closing offset`;
    }
  }
  return undefined;
}

/** Nothing is under way and nothing has to be repaired. */
export function isAtRest(state: State): boolean {
  const { gate, ledger, rows } = state;
  if (gate === undefined || state.zombie !== undefined || state.rebuilders.length > 0) return false;
  if (needsRebuild(state) || gate.suspended || gate.epoch !== ledger.epoch) return false;
  if (gate.outbox.length > 0 || gate.watermark !== ledger.watermark || proofOf(state) !== undefined)
    return false;
  if (state.committed < state.log.length) return false;
  return Object.values(rows).every(({ untold }) => untold === undefined);
}

function oversold({ ledger, rows }: State, { initial }: Bounds): string | undefined {
  const held = Object.values(rows).filter(({ state }) => state === 'confirmed').length;
  const sold = Object.values(rows).filter(({ state }) => state === 'paid').length;
  if (held !== ledger.held || sold !== ledger.sold) {
    return `the ledger holds ${ledger.held} and sold ${ledger.sold}, by its rows ${held} and ${sold}`;
  }
  return held + sold > initial ? `${held} units are held and ${sold} sold of ${initial}` : undefined;
}

function lost(state: State): string | undefined {
  const lost = Object.entries(state.promised).find(([id, epoch]) => !isSomewhere(state, id, epoch));
  return lost === undefined
    ? undefined
    : `${lost[0]}: acknowledged, and in no outbox, not in Kafka and without a row`;
}

/** What a sound gate has accepted the ledger confirms. */
function dishonest({ promised, rows }: State): string | undefined {
  for (const [id, epoch] of Object.entries(promised)) {
    const row = rows[id];
    if (row?.state === 'rejected' && row.epoch === epoch) {
      return `${id}: accepted by a sound gate in epoch ${epoch}, and rejected (${row.reason ?? ''})`;
    }
  }
  return undefined;
}

/** A gate that no fault has touched agrees with the ledger at every moment, and forgets no order that has a row. */
function soundGate(state: State, { initial, rebuilders }: Bounds): string | undefined {
  const { gate, ledger, rows } = state;
  if (gate?.epoch !== ledger.epoch || gate.damaged) return undefined;
  const isAskedFor = ledger.suspended || state.rebuilders.length > 0 || gate.watermark === undefined;
  // One of two rebuilds gives up after it has closed the other's gate: then there is a third.
  if (gate.suspended && !isAskedFor && rebuilders === 1) return 'a sound gate was closed';
  const proof = proofOf(state);
  if (proof !== undefined) return `a sound gate counts as one that went back: ${proof}`;
  for (const [id, { sequence }] of Object.entries(gate.records)) {
    const row = rows[id];
    if (sequence > 0 && row !== undefined && row.epoch < gate.epoch && !givesWay(row, gate.epoch)) {
      return `${id}: accepted anew in epoch ${gate.epoch} although it has a row`;
    }
  }
  if (gate.available === undefined) return undefined;
  const unsettled = Object.entries(gate.records).filter(([id, record]) =>
    isUndecided(gate, record, rows[id]),
  );
  const untold = Object.values(rows).filter(
    (row) => row.state === 'expired' && row.untold === gate.epoch && !gate.released.includes(row.orderId),
  );
  const sum = gate.available + unsettled.length + ledger.held + ledger.sold + untold.length;
  if (sum === initial) return undefined;
  const parts = [
    `${gate.available} available`,
    `${unsettled.length} unsettled`,
    `${ledger.held + ledger.sold} held or sold`,
  ];
  return `${initial} initial, but ${parts.join(' + ')} + ${untold.length} to be given back`;
}

function isUndecided({ epoch }: Gate, { sequence }: GateRecord, row: Row | undefined): boolean {
  return sequence > 0 && (row === undefined || givesWay(row, epoch));
}

/** Gate and ledger say the same, and a retry of every key that has a row gets its order. */
export function brokenAtRest(
  { gate, ledger, rows, promised }: State,
  { initial }: Bounds,
): string | undefined {
  if (gate === undefined) return 'there is no gate';
  const free = initial - ledger.held - ledger.sold;
  // A gate that lost a release has too few, which nobody can see in it: the reconciler gives them back.
  const isExpected = gate.available === free || (gate.damaged && (gate.available ?? Infinity) < free);
  if (!isExpected) return `at rest the gate has ${gate.available ?? 'no'} units, the ledger ${free}`;
  for (const row of Object.values(rows)) {
    const record = gate.records[row.orderId];
    if (record === undefined) {
      if (!givesWay(row, Infinity)) return `${row.orderId}: has a row, and the gate does not know it`;
      continue;
    }
    const known = record.state === '-' ? 'c' : record.state;
    // Nor can anybody see that it lost a state which came after the settling of the order.
    const isBehind = gate.damaged && known === 'c';
    if (known !== row.state[0] && !isBehind && !givesWay(row, Infinity)) {
      return `${row.orderId}: ${record.state} in the gate, ${row.state} in its row`;
    }
  }
  const missing = Object.keys(promised).find((id) => rows[id] === undefined);
  return missing === undefined ? undefined : `${missing}: acknowledged, and without a row at rest`;
}
