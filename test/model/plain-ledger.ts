import type { OrderStatus } from '@flux/contracts';

/** An order as anybody would describe it. */
export interface PlainOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly sequence: number;
  /** All that it was, the present last. It begins as accepted; the rest the ledger says. */
  readonly life: OrderStatus[];
  /** Place in `life` of the last status that the gate has certainly heard of. */
  heard: number;
  /** Place in `life` of what the shopper read last. */
  seen: number;
  /** The gate has its units again. */
  returned: boolean;
  /** The ledger has a state that nobody has told the gate. */
  untold: boolean;
  /** Its hold has run out. */
  isDue: boolean;
  /** Sequence of its shopper's wish to cancel it. */
  wish: number | undefined;
  wishIsApplied: boolean;
}

/** What one call put into the outbox: orders, or a wish to cancel one. */
export type PlainEvent =
  | { readonly kind: 'orders'; readonly orders: readonly PlainOrder[] }
  | { readonly kind: 'wish'; readonly order: PlainOrder };

export interface PlainPayment {
  readonly paymentId: string;
  readonly order: PlainOrder;
  state: 'pending' | 'applied' | 'refund-due';
}

/** What the gate has at some moment. */
export interface GateNow {
  available: number;
  readonly counts: Map<string, number>;
}

/** The rules of the sale, said as plainly as possible: no batches, no epochs, no messages. */
export class PlainLedger {
  readonly orders: PlainOrder[] = [];
  readonly payments: PlainPayment[] = [];
  /** All that ever went into the outbox. */
  readonly events: PlainEvent[] = [];
  /** Units that the gate may give away. */
  available: number;
  sequence = 0;

  constructor(
    readonly sale: {
      readonly stock: number;
      /** What the gate believes at first. */
      readonly gateStock: number;
      readonly limit: number;
    },
  ) {
    this.available = sale.gateStock;
  }

  find(orderId: string): PlainOrder | undefined {
    return this.orders.find((order) => order.orderId === orderId);
  }

  accept(order: Pick<PlainOrder, 'orderId' | 'shopperId' | 'quantity'>): PlainOrder {
    this.sequence += 1;
    this.available -= order.quantity;
    const accepted: PlainOrder = {
      ...order,
      sequence: this.sequence,
      life: ['accepted'],
      heard: 0,
      seen: 0,
      returned: false,
      untold: false,
      isDue: false,
      wish: undefined,
      wishIsApplied: false,
    };
    this.orders.push(accepted);
    return accepted;
  }

  wishToCancel(order: PlainOrder): void {
    this.sequence += 1;
    order.wish = this.sequence;
    this.events.push({ kind: 'wish', order });
  }

  /** The ledger judges what is new of an event. @returns the order that this ended */
  apply(event: PlainEvent): PlainOrder | undefined {
    if (event.kind === 'orders') {
      for (const order of event.orders) if (!isJudged(order)) this.judge(order);
      return undefined;
    }
    const { order } = event;
    // A wish that comes before its order counts as not come.
    if (!isJudged(order) || order.wishIsApplied) return undefined;
    order.wishIsApplied = true;
    return this.end(order, 'cancelled') ? order : undefined;
  }

  /** A confirmed order ends; any other stays as it is. */
  end(order: PlainOrder, status: 'cancelled' | 'expired'): boolean {
    if (statusOf(order) !== 'confirmed') return false;
    this.change(order, status);
    return true;
  }

  change(order: PlainOrder, status: OrderStatus): void {
    order.life.push(status);
    order.untold = true;
    order.isDue = false;
  }

  /** The gate hears of the order's state, and gets the units of one that has ended. */
  tell(order: PlainOrder, gate?: GateNow): void {
    if (!order.untold) return;
    order.untold = false;
    order.heard = order.life.length - 1;
    if (!order.life.some(isEnd) || order.returned || statusOf(order) === 'paid') return;
    order.returned = true;
    this.available += order.quantity;
    if (gate !== undefined) gate.available += order.quantity;
  }

  /** The first sequence that the ledger lacks is the one after this. */
  get watermark(): number {
    let watermark = 0;
    for (const event of this.events) {
      for (const [sequence, isApplied] of sequencesOf(event)) {
        if (!isApplied) return watermark;
        watermark = sequence;
      }
    }
    return watermark;
  }

  /** The gate has settled all up to the ledger's watermark. */
  settled(): void {
    const { watermark } = this;
    for (const order of this.orders) if (order.sequence <= watermark) order.heard = Math.max(order.heard, 1);
  }

  units(...statuses: readonly OrderStatus[]): number {
    return sum(this.orders.filter((order) => statuses.includes(statusOf(order))));
  }

  get free(): number {
    return this.sale.stock - this.units('confirmed', 'paid');
  }

  /** Units of a shopper in the ledger that count against the limit. */
  live(shopperId: string): number {
    const own = this.orders.filter((order) => order.shopperId === shopperId);
    return sum(own.filter((order) => statusOf(order) === 'confirmed' || statusOf(order) === 'paid'));
  }

  private judge(order: PlainOrder): void {
    const isOver = this.live(order.shopperId) + order.quantity > this.sale.limit;
    order.life.push(isOver || order.quantity > this.free ? 'rejected' : 'confirmed');
  }
}

export function statusOf({ life }: PlainOrder): OrderStatus {
  return life.at(-1) ?? 'accepted';
}

export function isJudged({ life }: PlainOrder): boolean {
  return life.length > 1;
}

export function isEnd(status: OrderStatus): boolean {
  return status === 'cancelled' || status === 'expired';
}

export function sum(orders: readonly PlainOrder[]): number {
  return orders.reduce((units, { quantity }) => units + quantity, 0);
}

/** Each sequence of an event, and whether the ledger has judged it. */
export function sequencesOf(event: PlainEvent): readonly (readonly [number, boolean])[] {
  return event.kind === 'wish'
    ? [[event.order.wish ?? 0, event.order.wishIsApplied]]
    : event.orders.map((order) => [order.sequence, isJudged(order)]);
}
