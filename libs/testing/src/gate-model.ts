import type { OrderStatus } from '@flux/contracts';
import type { ReserveOutcome, ReserveRequest, StateWrite } from '@flux/gate';

/** An order as the plain gate knows it. */
export interface PlainOrder extends ReserveRequest {
  readonly sequence: number;
  cancelSequence: number | undefined;
  /** Written out; undefined where it follows from the watermark. */
  state: OrderStatus | undefined;
  unitsBack: boolean;
  countBack: boolean;
  /** Payment -> whether the units that it took late are still taken. */
  readonly late: Map<number, boolean>;
}

const ENDED: readonly (OrderStatus | undefined)[] = ['rejected', 'cancelled', 'expired', 'paid'];
/** Where each state may go on to. */
const NEXT: Readonly<Record<OrderStatus | 'none', readonly OrderStatus[]>> = {
  none: ['accepted', 'confirmed', 'rejected', 'cancelled', 'expired', 'paid'],
  accepted: ['confirmed', 'rejected', 'cancelled', 'expired', 'paid'],
  confirmed: ['rejected', 'cancelled', 'expired', 'paid'],
  rejected: ['paid'],
  cancelled: ['paid'],
  expired: ['paid'],
  paid: [],
};

/**
 * What the gate promises, said as plainly as possible: units and counts are not kept, but follow from what became of
 * each order, so that nothing can come back twice.
 */
export class PlainGate {
  readonly orders: PlainOrder[] = [];
  sequence = 0;
  watermark = 0;

  constructor(
    private readonly initial: number,
    private readonly limit: number,
  ) {}

  get available(): number {
    const gone = this.orders.map((order) => (order.unitsBack ? 0 : order.quantity) + lateUnits(order));
    return this.initial - gone.reduce((sum, units) => sum + units, 0);
  }

  /** Units per shopper who ever had an order accepted. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const order of this.orders) {
      const units = (order.countBack ? 0 : order.quantity) + lateUnits(order);
      counts.set(order.shopperId, (counts.get(order.shopperId) ?? 0) + units);
    }
    return counts;
  }

  statusOf(order: PlainOrder): OrderStatus {
    return order.state ?? (order.sequence <= this.watermark ? 'confirmed' : 'accepted');
  }

  reserve(request: ReserveRequest): string {
    const known = this.orders.find(({ orderId }) => orderId === request.orderId);
    if (known !== undefined)
      return known.fingerprint === request.fingerprint ? `replayed ${known.sequence}` : 'reused';
    const count = (this.counts.get(request.shopperId) ?? 0) + request.quantity;
    if (count > this.limit) return `shopperLimit ${this.limit}`;
    if (request.quantity > this.available) return `soldOut ${this.available}`;
    this.sequence += 1;
    const untouched = { cancelSequence: undefined, state: undefined, unitsBack: false, countBack: false };
    this.orders.push({ ...request, ...untouched, sequence: this.sequence, late: new Map() });
    return `accepted ${this.sequence}`;
  }

  cancel(order: PlainOrder): string {
    if (order.state === 'cancelled') return 'repeated';
    if (ENDED.includes(order.state)) return 'notCancellable';
    if (order.cancelSequence !== undefined) return 'repeated';
    this.sequence += 1;
    order.cancelSequence = this.sequence;
    return 'requested';
  }

  settle(watermark: number, states: readonly StateWrite[]): void {
    for (const { orderId, status } of states) {
      const order = this.orders.find((each) => each.orderId === orderId);
      if (order === undefined || !this.goesOn(order, status)) continue;
      if (status !== 'accepted' && status !== 'confirmed' && status !== 'paid') order.countBack = true;
    }
    this.watermark = Math.max(this.watermark, watermark);
  }

  /** How many of the orders give back units now. */
  release(ends: readonly { readonly order: PlainOrder; readonly status: OrderStatus }[]): number {
    let released = 0;
    for (const { order, status } of ends) {
      if (order.unitsBack || order.state === 'rejected') continue;
      released += 1;
      order.unitsBack = true;
      if (this.goesOn(order, status)) order.countBack = true;
    }
    return released;
  }

  retake(order: PlainOrder, payment: number): string {
    if (order.late.has(payment)) return 'done';
    if ((this.counts.get(order.shopperId) ?? 0) + order.quantity > this.limit) return 'shopperLimit';
    if (order.quantity > this.available) return 'insufficient';
    order.late.set(payment, true);
    return 'taken';
  }

  /** Gives back what a late payment took. */
  giveBack(order: PlainOrder, payment: number): number {
    if (order.late.get(payment) !== true) return 0;
    order.late.set(payment, false);
    return 1;
  }

  private goesOn(order: PlainOrder, status: OrderStatus): boolean {
    const goesOn = NEXT[order.state ?? 'none'].includes(status);
    if (goesOn) order.state = status;
    return goesOn;
  }
}

function lateUnits({ late, quantity }: PlainOrder): number {
  return [...late.values()].filter(Boolean).length * quantity;
}

/** A purchase's outcome in the words in which the model foretells it. */
export function said(outcome: ReserveOutcome): string {
  switch (outcome.outcome) {
    case 'accepted':
    case 'replayed':
      return `${outcome.outcome} ${outcome.order.sequence}`;
    case 'shopperLimit':
      return `shopperLimit ${outcome.limit}`;
    case 'soldOut':
      return `soldOut ${outcome.available}`;
    case 'reused':
    case 'notOpen':
    case 'closed':
    case 'moved':
    case 'notReady':
    case 'waitingRoom':
    case 'passUsed':
    case 'unavailable':
    case 'unknown':
      return outcome.outcome;
  }
}
