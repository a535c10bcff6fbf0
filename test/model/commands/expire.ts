import { statusOf, type PlainLedger } from '../plain-ledger';
import type { RealSale } from '../real-sale';
import { SaleCommand } from './life-command';

/** Holds run out: of every so many orders one. Nobody has looked yet. */
export class RunOut extends SaleCommand {
  constructor(
    private readonly every: number,
    private readonly first: number,
  ) {
    super();
  }

  override toString(): string {
    return `runOut(every ${this.every} from ${this.first})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const held = model.orders.filter((order) => statusOf(order) === 'confirmed');
    const due = held.filter((_, index) => index % this.every === this.first % this.every);
    for (const order of due) order.isDue = true;
    await real.runOut(due.map(({ orderId }) => orderId));
  }
}

/** The expiry ends what is due, and tells the gate or dies before that. */
export class Expire extends SaleCommand {
  constructor(private readonly reach: 'told' | 'committed' | 'withoutGate') {
    super();
  }

  override toString(): string {
    return `expire(${this.reach})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    if (this.reach === 'withoutGate') await real.servers.killGate();
    const { holds, tellGate } = real.processes;
    const { items, failed } = await holds.expireDue(1_000);
    if (this.reach !== 'committed') {
      for (const { item, changes } of items) await tellGate.tellChanges(item, changes);
    }
    if (this.reach === 'withoutGate') await real.restart();
    const due = model.orders.filter((order) => order.isDue && model.end(order, 'expired'));
    if (this.reach === 'told') for (const order of due) model.tell(order);
    expect(failed).toEqual([]);
    expect(new Set(items.flatMap(({ changes }) => changes.map(({ orderId }) => orderId)))).toEqual(
      new Set(due.map(({ orderId }) => orderId)),
    );
  }
}

/** The loop that tells the gate what a crash left; it may die itself before it notes that. */
export class Tell extends SaleCommand {
  constructor(
    private readonly atOnce: number,
    private readonly reach: 'noted' | 'told' = 'noted',
  ) {
    super();
  }

  override toString(): string {
    return `tell(${this.atOnce}, ${this.reach})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const untold = model.orders.filter((order) => order.untold);
    expect(await real.processes.tellGate.tellDue(this.atOnce, 0)).toEqual({
      outcome: 'told',
      orders: untold.length,
    });
    for (const order of untold) model.tell(order);
    if (this.reach === 'noted') return;
    for (const order of untold) order.untold = true;
    await real.forgetTold(untold);
  }
}
