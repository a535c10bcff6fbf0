import { orderIdsOf, type ItemEvent } from '@flux/contracts';
import { sequencesOf, type PlainEvent, type PlainLedger, type PlainOrder } from '../plain-ledger';
import type { RealSale } from '../real-sale';
import { SaleCommand } from './life-command';

/** How far the orders process comes with a batch. */
export type Reach =
  /** Commit, tell, settle. */
  | 'settled'
  /** It dies after the commit. */
  | 'committed'
  /** Redis is gone meanwhile. */
  | 'withoutGate';

/** What is new in the outbox reaches Kafka, and a batch of its messages the ledger. */
export class Deliver extends SaleCommand {
  constructor(
    private readonly count: number,
    private readonly reach: Reach,
  ) {
    super();
  }

  override toString(): string {
    return `deliver(${this.count}, ${this.reach})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    await relay(model, real);
    const batch = real.log.slice(real.consumed, real.consumed + this.count);
    real.consumed += batch.length;
    await hand(model, real, { batch, reach: this.reach });
  }
}

/** Messages that were consumed before come again: a process died before its offset was committed. */
export class Redeliver extends SaleCommand {
  constructor(
    private readonly from: number,
    private readonly count: number,
  ) {
    super();
  }

  override toString(): string {
    return `redeliver(${this.from}, ${this.count})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    if (real.consumed === 0) return;
    const from = this.from % real.consumed;
    const batch = real.log.slice(from, Math.min(from + this.count, real.consumed));
    await hand(model, real, { batch, reach: 'settled' });
  }
}

/** Kafka has acknowledged a message and lost it. */
export class Lose extends SaleCommand {
  override toString(): string {
    return 'lose()';
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    await relay(model, real);
    real.log.splice(real.consumed, 1);
  }
}

/** The sweeper settles what the ledger has, and sends again what it lacks once all that Kafka has is consumed. */
export class Sweep extends SaleCommand {
  override toString(): string {
    return 'sweep()';
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    await relay(model, real);
    await real.processes.settles.catchUp(real.item);
    model.settled();
    if (real.consumed < real.log.length) return;
    const missing = await real.missing();
    const lacking = model.events.filter((event) => sequencesOf(event).some(([, isApplied]) => !isApplied));
    expect(missing.map(nameOf)).toEqual(lacking.map(nameOfPlain));
    real.log.push(...missing);
  }
}

/** The outbox must hold what the model has put there, and nothing else. */
export async function relay(model: PlainLedger, real: RealSale): Promise<void> {
  const events = await real.relay();
  const newest = model.events.slice(model.events.length - events.length);
  expect(events.map(nameOf)).toEqual(events.length === 0 ? [] : newest.map(nameOfPlain));
}

async function hand(
  model: PlainLedger,
  real: RealSale,
  { batch, reach }: { readonly batch: readonly ItemEvent[]; readonly reach: Reach },
): Promise<void> {
  if (batch.length === 0) return;
  const ended = batch
    .map((event) => model.apply(plainOf(model, event)))
    .filter((order): order is PlainOrder => order !== undefined);
  switch (reach) {
    case 'settled':
      for (const order of ended) model.tell(order);
      model.settled();
      return real.handle(batch);
    case 'committed':
      return real.commitOnly(batch);
    case 'withoutGate':
      await real.servers.killGate();
      await real.handle(batch);
      return real.restart();
  }
}

function plainOf(model: PlainLedger, event: ItemEvent): PlainEvent {
  const found = model.events.find((plain) => nameOfPlain(plain) === nameOf(event));
  if (found === undefined) throw new Error('an event that nobody made');
  return found;
}

function nameOf(event: ItemEvent): string {
  return `${event.firstSequence}: ${orderIdsOf(event).join()}`;
}

function nameOfPlain(event: PlainEvent): string {
  const [[first] = []] = sequencesOf(event);
  const orders = event.kind === 'wish' ? [event.order] : event.orders;
  return `${String(first)}: ${orders.map(({ orderId }) => orderId).join()}`;
}
