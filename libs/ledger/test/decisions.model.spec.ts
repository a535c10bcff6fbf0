import { CANCEL_REQUESTED_TYPE, lastSequenceOf, ordersOf, type OrderState } from '@flux/contracts';
import fc from 'fast-check';
import { decideItem, decideParking, type ItemDecision, type PlacedEvent } from '../src/decide-batch';
import { freeUnits, type KnownOrder, type LedgerRow } from '../src/ledger-row';
import { changeOrder } from '../src/order-change';
import { itemResultOf } from '../src/settlement';
import { event, intent, LEDGER, NOW_MS, rowOf } from './decisions';

/** What a shopper did at the gate, in the order of the sequences. */
type GateAct =
  | { readonly act: 'buy'; readonly shopper: number; readonly quantity: number }
  /** Cancels the order that was bought so many purchases ago, if nobody did. */
  | { readonly act: 'cancel'; readonly ago: number };

/** What reaches the ledger next. */
type Step =
  /** Messages of one batch, by index; any of them again, in any order. */
  | { readonly step: 'deliver'; readonly messages: readonly number[] }
  | { readonly step: 'park'; readonly message: number }
  /** Another writer's change of some order. */
  | { readonly step: 'pay' | 'expire'; readonly order: number };

interface World {
  readonly initial: number;
  readonly limit: number;
  readonly acts: readonly GateAct[];
  /** Purchases that share an event. */
  readonly cuts: readonly number[];
  readonly steps: readonly Step[];
}

const index = fc.integer({ min: 0, max: 39 });
const worlds: fc.Arbitrary<World> = fc.record({
  initial: fc.integer({ min: 0, max: 20 }),
  limit: fc.integer({ min: 1, max: 5 }),
  acts: fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          act: fc.constant('buy' as const),
          shopper: fc.nat(4),
          quantity: fc.integer({ min: 1, max: 4 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ act: fc.constant('cancel' as const), ago: fc.nat(5) }) },
    ),
    { minLength: 1, maxLength: 40 },
  ),
  cuts: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 10 }),
  steps: fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          step: fc.constant('deliver' as const),
          messages: fc.array(index, { minLength: 1, maxLength: 6 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ step: fc.constant('park' as const), message: index }) },
      {
        weight: 2,
        arbitrary: fc.record({ step: fc.constantFrom('pay' as const, 'expire' as const), order: index }),
      },
    ),
    { minLength: 1, maxLength: 40 },
  ),
});

/** The gate's outbox: orders in events of some, each cancellation in one of its own, one row of sequences. */
function eventsOf({ acts, cuts }: Pick<World, 'acts' | 'cuts'>): PlacedEvent[] {
  const events: PlacedEvent[] = [];
  const bought: string[] = [];
  const cancelled = new Set<string>();
  let open: { id: string; shopper: string; quantity: number }[] = [];
  let sequence = 1;
  const close = (): void => {
    if (open.length === 0) return;
    events.push(event(sequence, open));
    sequence += open.length;
    open = [];
  };
  for (const act of acts) {
    if (act.act === 'buy') {
      const id = `o${bought.length}`;
      bought.push(id);
      open.push({ id, shopper: `s${act.shopper}`, quantity: act.quantity });
      if (open.length >= cuts[events.length % cuts.length]!) close();
      continue;
    }
    const id = bought.at(-1 - act.ago);
    if (id === undefined || cancelled.has(id)) continue;
    close();
    cancelled.add(id);
    events.push(intent(sequence, id));
    sequence += 1;
  }
  close();
  return events;
}

/** One thing after the other, with nothing but a counter and a state for each order. */
class Model {
  readonly states = new Map<string, OrderState>();
  readonly applied = new Set<number>();
  private readonly orders = new Map<
    string,
    { readonly shopper: string; readonly quantity: number; booked: number }
  >();
  private readonly wished = new Set<string>();

  constructor(private readonly world: Pick<World, 'initial' | 'limit'>) {}

  take({ event }: PlacedEvent, how: 'deliver' | 'park'): void {
    if (event.type === CANCEL_REQUESTED_TYPE) {
      const state = this.states.get(event.orderId);
      if (state === undefined) return;
      this.applied.add(event.firstSequence);
      if (this.wished.has(event.orderId)) return;
      this.wished.add(event.orderId);
      if (how === 'deliver' && (state === 'confirmed' || state === 'parked'))
        this.states.set(event.orderId, 'cancelled');
      return;
    }
    for (const [index, { orderId, shopperId: shopper, quantity }] of event.orders.entries()) {
      this.applied.add(event.firstSequence + index);
      if (this.states.has(orderId)) continue;
      const booked = how === 'park' ? Math.min(quantity, this.free) : 0;
      const fits = quantity <= this.free && this.has(shopper) + quantity <= this.world.limit;
      this.orders.set(orderId, { shopper, quantity, booked });
      this.states.set(orderId, how === 'park' ? 'parked' : fits ? 'confirmed' : 'rejected');
    }
  }

  change(orderId: string, state: 'paid' | 'expired'): void {
    if (this.states.get(orderId) === 'confirmed') this.states.set(orderId, state);
  }

  units(state: OrderState): number {
    return this.sum((order, at) => (at !== state ? 0 : at === 'parked' ? order.booked : order.quantity));
  }

  get free(): number {
    return this.world.initial - this.units('confirmed') - this.units('paid') - this.units('parked');
  }

  private has(shopper: string): number {
    return this.sum((order, at) =>
      order.shopper === shopper && ['confirmed', 'paid', 'parked'].includes(at) ? order.quantity : 0,
    );
  }

  private sum(
    of: (
      order: { readonly shopper: string; readonly quantity: number; readonly booked: number },
      state: OrderState,
    ) => number,
  ): number {
    let sum = 0;
    for (const [id, order] of this.orders) sum += of(order, this.states.get(id)!);
    return sum;
  }
}

/** The tables, as the transactions leave them. */
class Tables {
  ledger: LedgerRow;
  readonly rows = new Map<string, KnownOrder>();
  /** How often each order entered each state. */
  readonly entries = new Map<string, number>();

  constructor({ initial, limit }: Pick<World, 'initial' | 'limit'>) {
    this.ledger = { ...LEDGER, initial, perShopperLimit: limit };
  }

  deliver(events: readonly PlacedEvent[]): ItemDecision {
    const asked = events.flatMap(({ event }) => ordersOf(event).map(({ shopperId }) => shopperId));
    const unitsOf = new Map(asked.map((shopper) => [shopper, this.unitsOf(shopper)]));
    return this.write(decideItem({ ledger: this.ledger, known: this.rows, unitsOf, events, nowMs: NOW_MS }));
  }

  park(placed: PlacedEvent): ItemDecision {
    return this.write(decideParking({ ledger: this.ledger, known: this.rows, events: [placed] }));
  }

  change(orderId: string, action: 'pay' | 'expire'): void {
    const row = this.rows.get(orderId);
    const change = row && changeOrder(row, action, { ledger: this.ledger, nowMs: NOW_MS });
    if (row === undefined || change === undefined) return;
    const { held, sold, parked } = this.ledger;
    const by = change.counters;
    this.ledger = { ...this.ledger, held: held + by.held, sold: sold + by.sold, parked: parked + by.parked };
    this.enter(orderId, { ...row, state: change.state });
  }

  private write(decision: ItemDecision): ItemDecision {
    expect(itemResultOf(this.ledger, decision, NOW_MS).untold).toEqual(
      decision.cancelled.map(({ orderId }) => orderId),
    );
    this.ledger = decision.ledger;
    for (const order of decision.decided) this.enter(order.orderId, rowOf(order));
    for (const { orderId, state, intent } of decision.cancelled) {
      this.enter(orderId, { ...this.rows.get(orderId)!, state, booked: 0, intent });
    }
    for (const { orderId, epoch, sequence } of decision.intents) {
      this.rows.set(orderId, { ...this.rows.get(orderId)!, intent: { epoch, sequence } });
    }
    return decision;
  }

  private enter(orderId: string, row: KnownOrder): void {
    this.rows.set(orderId, row);
    const key = `${orderId} ${row.state}`;
    this.entries.set(key, (this.entries.get(key) ?? 0) + 1);
  }

  private unitsOf(shopper: string): number {
    let units = 0;
    for (const { shopperId, quantity, state } of this.rows.values()) {
      if (shopperId === shopper && ['confirmed', 'paid', 'parked'].includes(state)) units += quantity;
    }
    return units;
  }
}

function agreesWithModel(world: World): void {
  const events = eventsOf(world);
  if (events.length === 0) return;
  const model = new Model(world);
  const tables = new Tables(world);
  const at = (place: number): PlacedEvent => events[place % events.length]!;

  for (const step of world.steps) {
    let decision: ItemDecision | undefined;
    switch (step.step) {
      case 'deliver': {
        const batch = step.messages.map(at);
        for (const placed of batch) model.take(placed, 'deliver');
        decision = tables.deliver(batch);
        break;
      }
      case 'park':
        model.take(at(step.message), 'park');
        decision = tables.park(at(step.message));
        break;
      case 'pay':
      case 'expire':
        model.change(`o${step.order}`, step.step === 'pay' ? 'paid' : 'expired');
        tables.change(`o${step.order}`, step.step);
    }
    expect(decision?.rewound).toBeUndefined();
    agree(model, tables);
  }

  // What was lost, and the wishes that met no order, come again in the outbox's order.
  for (const placed of events) model.take(placed, 'deliver');
  tables.deliver(events);
  agree(model, tables);
  expect(tables.ledger.watermark).toBe(lastSequenceOf(events.at(-1)!.event));

  const { ledger } = tables;
  const again = tables.deliver([...events, ...events]);
  expect(again).toMatchObject({
    decided: [],
    intents: [],
    cancelled: [],
    unmetIntents: 0,
    rewound: undefined,
  });
  expect(again.ledger).toEqual(ledger);
  expect([...tables.entries.values()].every((times) => times === 1)).toBe(true);
}

function agree(model: Model, { ledger, rows }: Tables): void {
  const states = [...rows].map(([id, { state }]) => [id, state]);
  expect(Object.fromEntries(states)).toEqual(Object.fromEntries(model.states));
  expect(ledger).toMatchObject({
    held: model.units('confirmed'),
    sold: model.units('paid'),
    parked: model.units('parked'),
  });
  expect(freeUnits(ledger)).toBe(model.free);
  expect(model.free).toBeGreaterThanOrEqual(0);
  let prefix = 0;
  while (model.applied.has(prefix + 1)) prefix += 1;
  expect(ledger.watermark).toBe(prefix);
}

describe('batches of orders and intents', () => {
  it('agree with a plain model, however they are cut, lost, repeated and put aside', () => {
    fc.assert(fc.property(worlds, agreesWithModel), { numRuns: 500 });
  });
});
