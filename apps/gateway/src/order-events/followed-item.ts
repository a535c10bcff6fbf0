import type { ItemRef } from '@flux/contracts';
import {
  GateUnavailableError,
  type GateClient,
  type GateSubscriber,
  type ReadOrderOutcome,
} from '@flux/gate';
import type { Log } from '@flux/telemetry';

/** Somebody who follows one order. Must not throw. */
export interface OrderFollower {
  /** The order as it was read just now, in the order of the reads; also where nothing changed. */
  onReading(reading: ReadOrderOutcome): void;
  /** The order could not be read just now. It will be read again as long as it is followed. */
  onUnreadable(error: unknown): void;
}

interface FollowedItemParts {
  readonly item: ItemRef;
  readonly gate: Pick<GateClient, 'readOrders'>;
  readonly push: Pick<GateSubscriber, 'subscribe'>;
  readonly log: Log;
}

/** One script call, and what one turn of the event loop tells the followers of. */
const ORDERS_PER_READ = 100;

const RETRY_MS = 1_000;

/**
 * The orders of one item that this process follows: one subscription for all, in place before the first read, and one
 * read at a time, so that no follower ever hears of an older state after a newer one. Orders are read when they are
 * first followed and when a push concerns them, never on a schedule of its own.
 */
export class FollowedItem {
  private readonly followers = new Map<string, Set<OrderFollower>>();
  /** Accepted orders, with their sequences: a watermark may change them without naming them. */
  private readonly unsettled = new Map<string, number>();
  /** Still accepted (parked) although the watermark has passed them: only a push that names them changes them. */
  private readonly passed = new Set<string>();
  /** To be read, in the order in which they are. */
  private readonly due = new Set<string>();
  private readonly subscription: Promise<() => void>;
  private reading = false;
  /** The highest watermark of the pushes that came while the present read was under way; -1 for none. */
  private heardMeanwhile = -1;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly parts: FollowedItemParts) {
    this.subscription = parts.push.subscribe(parts.item, {
      onOrders: ({ watermark, orderIds }) => {
        this.onPush(watermark, orderIds);
      },
    });
  }

  get isEmpty(): boolean {
    return this.followers.size === 0;
  }

  followersOf(orderId: string): number {
    return this.followers.get(orderId)?.size ?? 0;
  }

  add(orderId: string, follower: OrderFollower): void {
    const ofOrder = this.followers.get(orderId) ?? new Set();
    ofOrder.add(follower);
    this.followers.set(orderId, ofOrder);
    this.readAgain([orderId]);
  }

  remove(orderId: string, follower: OrderFollower): void {
    const ofOrder = this.followers.get(orderId);
    ofOrder?.delete(follower);
    if (ofOrder === undefined || ofOrder.size > 0) return;
    for (const memory of [this.followers, this.unsettled, this.passed, this.due]) memory.delete(orderId);
  }

  /** Reads orders that may have changed unheard: one, or all. */
  readAgain(orderIds: Iterable<string> = this.followers.keys()): void {
    for (const orderId of orderIds) {
      if (!this.followers.has(orderId)) continue;
      this.passed.delete(orderId);
      this.due.add(orderId);
    }
    void this.readDue();
  }

  /** Ends the subscription. */
  end(): void {
    clearTimeout(this.retry);
    void this.subscription.then((unsubscribe) => {
      unsubscribe();
    });
  }

  private onPush(watermark: number, orderIds: readonly string[]): void {
    this.heardMeanwhile = Math.max(this.heardMeanwhile, watermark);
    for (const orderId of orderIds) {
      if (this.followers.has(orderId)) this.due.add(orderId);
    }
    for (const [orderId, sequence] of this.unsettled) {
      if (sequence > watermark) continue;
      this.unsettled.delete(orderId);
      this.passed.add(orderId);
      this.due.add(orderId);
    }
    void this.readDue();
  }

  private async readDue(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    await this.subscription;
    while (this.due.size > 0) {
      const orderIds = this.takeDue();
      this.heardMeanwhile = -1;
      try {
        for (const [orderId, reading] of await this.parts.gate.readOrders(this.parts.item, orderIds)) {
          this.tell(orderId, reading);
        }
      } catch (error) {
        this.putOff(orderIds, error);
        break;
      }
    }
    this.reading = false;
  }

  private takeDue(): readonly string[] {
    const taken: string[] = [];
    for (const orderId of this.due) {
      if (taken.length === ORDERS_PER_READ) break;
      this.due.delete(orderId);
      taken.push(orderId);
    }
    return taken;
  }

  private tell(orderId: string, reading: ReadOrderOutcome): void {
    const followers = this.followers.get(orderId);
    if (followers === undefined) return;
    this.unsettled.delete(orderId);
    if (reading.outcome === 'order' && reading.order.status === 'accepted') {
      this.remember(orderId, reading.order.sequence);
    }
    for (const follower of followers) follower.onReading(reading);
  }

  private remember(orderId: string, sequence: number): void {
    if (this.passed.has(orderId)) return;
    if (sequence > this.heardMeanwhile) {
      this.unsettled.set(orderId, sequence);
      return;
    }
    // The push may be younger than what was read.
    this.passed.add(orderId);
    this.due.add(orderId);
  }

  /** Those who came for a first reading give up; for the others it is tried again. */
  private putOff(orderIds: readonly string[], error: unknown): void {
    if (!(error instanceof GateUnavailableError)) {
      this.parts.log.error({ err: error, ...this.parts.item }, 'followed orders could not be read');
    }
    for (const orderId of orderIds) {
      for (const follower of this.followers.get(orderId) ?? []) follower.onUnreadable(error);
      if (this.followers.has(orderId)) this.due.add(orderId);
    }
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      void this.readDue();
    }, RETRY_MS).unref();
  }
}
