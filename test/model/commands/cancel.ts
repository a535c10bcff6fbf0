import { isJudged, statusOf, type PlainLedger } from '../plain-ledger';
import type { RealSale } from '../real-sale';
import { OrderCommand } from './life-command';

/** A shopper wishes to cancel an order: its own, or another's. */
export class CancelByShopper extends OrderCommand {
  constructor(
    pick: number,
    private readonly isOwn: boolean,
  ) {
    super(pick);
  }

  override toString(): string {
    return `wishToCancel(${this.pick}${this.isOwn ? '' : ', of another'})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const order = this.orderIn(model);
    const { orderId, life, seen, wish } = order;
    const status = life[seen];
    const shopperId = this.isOwn ? order.shopperId : 'somebody-else';
    const { outcome } = await real.processes.clients.gate.cancel({ orderId, shopperId });
    const isOpen = status === 'accepted' || status === 'confirmed';
    const isNew = this.isOwn && isOpen && wish === undefined;
    if (isNew) model.wishToCancel(order);
    const ofOwn = status === 'cancelled' || isOpen ? 'repeated' : 'notCancellable';
    expect(outcome).toBe(!this.isOwn ? 'unknownOrder' : isNew ? 'requested' : ofOwn);
  }
}

/** The shop gives an order up. */
export class CancelByShop extends OrderCommand {
  constructor(
    pick: number,
    private readonly withGate: boolean,
  ) {
    super(pick);
  }

  override toString(): string {
    return `cancelByShop(${this.pick}${this.withGate ? '' : ', without gate'})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const order = this.orderIn(model);
    const before = statusOf(order);
    if (!this.withGate) await real.servers.killGate();
    const { orderId } = order;
    const { outcome } = await real.processes.cancellations.cancel({ orderId, reason: 'sold elsewhere' });
    if (!this.withGate) await real.restart();
    const isEnded = model.end(order, 'cancelled');
    // A repeat that finds the gate not told yet tells it.
    if (this.withGate && (isEnded || before === 'cancelled')) model.tell(order);
    const known = before === 'cancelled' || isEnded ? 'cancelled' : 'notCancellable';
    expect(outcome).toBe(isJudged(order) ? known : 'unknownOrder');
  }
}
