import type { AppliedSequences } from '../../../libs/ledger/src/advance-watermark';

/** Orders are single letters, of one unit each; a key and its retries are one order. */
export type OrderId = string;

/** An order as a gate has it. A rebuild writes its state out and gives it no sequence. */
export interface GateRecord {
  readonly sequence: number;
  /** `-` none of its own, c confirmed, r rejected, e expired, p paid. */
  readonly state: '-' | 'c' | 'r' | 'e' | 'p';
}

export interface OutboxEntry {
  readonly sequence: number;
  readonly orderId: OrderId;
}

/** One item in one Redis. */
export interface Gate {
  readonly epoch: number;
  readonly suspended: boolean;
  /** undefined where the key is missing. */
  readonly available: number | undefined;
  readonly sequence: number;
  /** undefined while a rebuild writes the gate: it is not whole. */
  readonly watermark: number | undefined;
  /** The last order that a rebuild has written; undefined where none is at work. */
  readonly cursor: OrderId | undefined;
  readonly records: Readonly<Record<OrderId, GateRecord>>;
  readonly outbox: readonly OutboxEntry[];
  /** Orders whose units it got back. */
  readonly released: readonly OrderId[];
  /** The rebuild that closed it. */
  readonly closedBy: number | undefined;
  /** Ghost: a fault took writes from it, or another Redis goes on in its epoch. */
  readonly damaged: boolean;
}

/** A message in the item's partition; its offset is its index. */
export interface Message extends OutboxEntry {
  readonly epoch: number;
}

export interface Row extends OutboxEntry {
  readonly state: 'confirmed' | 'rejected' | 'expired' | 'paid';
  readonly reason: string | undefined;
  readonly epoch: number;
  /** The epoch in which the gate has still to be told; undefined where it has been. */
  readonly untold: number | undefined;
}

export interface Ledger extends AppliedSequences {
  readonly epoch: number;
  readonly epochOffset: number | undefined;
  readonly held: number;
  readonly sold: number;
  readonly suspended: boolean;
}

/** What a transaction wants the gate to hear of. It may arrive late, or never. */
export interface Settlement {
  readonly epoch: number;
  readonly watermark: number;
  readonly watermarkOrderId: OrderId;
  readonly statesAfter: number;
  readonly states: readonly (readonly [OrderId, 'r' | 'e' | 'p'])[];
}

/** A rebuild that is under way: the last step that it has done, and what it remembers. */
export interface Rebuilder {
  readonly done: 'mark' | 'suspend' | 'relay' | 'note' | 'raise' | 'begin' | 'pages' | 'clear';
  readonly id: number;
  /** The ledger's epoch when it began. */
  readonly from: number;
  readonly end: number;
  /** The one that it will raise. */
  readonly epoch: number;
  readonly available: number;
  readonly cursor: OrderId;
}

/** What may still go wrong, and how often. */
export interface Left {
  readonly snapshots: number;
  readonly failovers: number;
  readonly wipes: number;
  readonly deletions: number;
  readonly rebuilds: number;
  readonly crashes: number;
  readonly expiries: number;
  readonly payments: number;
}

export interface State {
  /** The Redis that the address leads to; undefined where it is empty. */
  readonly gate: Gate | undefined;
  /** One that was replaced and still answers those who are connected to it. */
  readonly zombie: Gate | undefined;
  /** What a replica or a backup has of the gate. */
  readonly snapshot: Gate | undefined;
  readonly log: readonly Message[];
  /** How many messages have been through a transaction. */
  readonly applied: number;
  /** The group's committed offset. */
  readonly committed: number;
  readonly ledger: Ledger;
  readonly rows: Readonly<Record<OrderId, Row>>;
  readonly settlement: Settlement | undefined;
  readonly rebuilders: readonly Rebuilder[];
  /** Ghost: orders acknowledged by a gate that no fault has destroyed since, with their epoch; 0 if it was damaged. */
  readonly promised: Readonly<Record<OrderId, number>>;
  readonly left: Left;
}

/** What can happen next: a name for the trace, and the state after it. */
export type Step = readonly [name: string, state: State];

export function messageOf(epoch: number, { sequence, orderId }: OutboxEntry): Message {
  return { epoch, sequence, orderId };
}

/** Equal texts: equal states. */
export function keyOf(state: State): string {
  const { gate, zombie, snapshot, log, applied, committed, settlement, rebuilders, promised, left } = state;
  return [
    gate === undefined ? '' : gateKey(gate),
    zombie === undefined ? '' : gateKey(zombie),
    snapshot === undefined ? '' : gateKey(snapshot),
    logKey(log),
    `${applied},${committed}`,
    booksKey(state),
    settlement === undefined ? '' : settlementKey(settlement),
    rebuilders.length === 0 ? '' : rebuilders.map((one) => rebuilderKey(one)).join(),
    promisedKey(promised),
    leftKey(left),
  ].join('|');
}

/** Ledger and rows. */
export function booksKey({ ledger, rows }: Pick<State, 'ledger' | 'rows'>): string {
  return `${ledgerKey(ledger)},${rowsKey(rows)}`;
}

const gateKey = remembered((gate: Gate) => {
  const { epoch, suspended, available, sequence, watermark, cursor, outbox, released, closedBy, damaged } =
    gate;
  const flags = `${suspended ? 1 : 0}${damaged ? 1 : 0}`;
  const numbers = [epoch, flags, closedBy, available, sequence, watermark, cursor ?? '-'].join();
  return `${numbers},${mapText(gate.records)},${outbox.map(valuesOf).join('')},${released.join('')}`;
});
const ledgerKey = remembered((ledger: Ledger) => {
  const { ahead, ...rest } = ledger;
  return `${valuesOf(rest)};${ahead.map(valuesOf).join('')}`;
});
const rowsKey = remembered(mapText);
const promisedKey = remembered(mapText);
const logKey = remembered((log: readonly Message[]) => log.map(valuesOf).join(''));
const settlementKey = remembered(valuesOf);
const rebuilderKey = remembered(valuesOf);
const leftKey = remembered(valuesOf);

/** Parts of a state are shared by many: each text is made once. */
function remembered<Part extends object>(textOf: (part: Part) => string): (part: Part) => string {
  const texts = new WeakMap<Part, string>();
  return (part) => {
    const known = texts.get(part);
    if (known !== undefined) return known;
    const text = textOf(part);
    texts.set(part, text);
    return text;
  };
}

/** Every part is made with its fields in one order. */
function valuesOf(part: object): string {
  return `(${Object.values(part).join(' ')})`;
}

function mapText(map: Readonly<Record<OrderId, object | number>>): string {
  const ids = Object.keys(map).sort();
  return ids
    .map((id) => {
      const value = map[id];
      return `${id}${typeof value === 'object' ? valuesOf(value) : String(value)}`;
    })
    .join('');
}
