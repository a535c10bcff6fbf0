import { isFinal, type OrderAnswer } from '@flux/contracts';
import type { ReadOrderOutcome } from '@flux/gate';
import type { EventStream } from '@flux/http';
import type { OrderReader } from '../guards/request-facts';
import { orderAnswer } from '../orders/order-answer';
import type { OrderFollower } from './followed-item';
import type { ShopperStreams } from './shopper-streams';

/** How the request for a stream is to be answered, once the order has been read. */
export type Opening =
  | { readonly outcome: 'streaming' }
  /** The reader comes back and knows the final state. */
  | { readonly outcome: 'nothingNew' }
  /** No such order, or another shopper's. */
  | { readonly outcome: 'unknownOrder' }
  /** The order's shopper follows as many orders here as one may. */
  | { readonly outcome: 'tooMany' }
  | { readonly outcome: 'notReady' }
  /** The reader has left, or the process is ending. */
  | { readonly outcome: 'over' };

interface OrderStreamParts {
  readonly stream: EventStream;
  readonly reader: OrderReader;
  /** Last-Event-ID: what the reader was told before it came back. */
  readonly lastEventId: string | undefined;
  readonly shoppers: ShopperStreams;
  readonly onSent: () => void;
}

/**
 * One reader of one order: is told the present state, unless it knows it, then each change, and ends after a final
 * one. `opening` says what became of the request after the first reading; it rejects where that failed.
 */
export class OrderStream implements OrderFollower {
  readonly opening: Promise<Opening>;
  private resolve: (opening: Opening) => void = ignore;
  private reject: (error: unknown) => void = ignore;
  private begun = false;
  private toldId: string | undefined;
  private giveUp: () => void = ignore;

  constructor(private readonly parts: OrderStreamParts) {
    this.toldId = parts.lastEventId;
    this.opening = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  onReading(reading: ReadOrderOutcome): void {
    if (!this.begun) this.open(reading);
    else if (reading.outcome === 'order') this.tell(orderAnswer(reading.order));
    // The gate has lost the order: reading it is a 404 now. While its item is rebuilt there is just nothing to tell.
    else if (reading.outcome === 'unknownOrder') this.parts.stream.end();
  }

  onUnreadable(error: unknown): void {
    if (!this.begun) this.reject(error);
  }

  /** The stream is over, perhaps before the order was read. */
  onEnd(): void {
    if (!this.begun) this.resolve({ outcome: 'over' });
    this.giveUp();
  }

  private open(reading: ReadOrderOutcome): void {
    if (reading.outcome !== 'order') {
      this.resolve(reading);
      return;
    }
    const { reader, stream } = this.parts;
    if (reader.kind === 'shopper' && !reading.belongsTo(reader.shopperId)) {
      this.resolve({ outcome: 'unknownOrder' });
      return;
    }
    const answer = orderAnswer(reading.order);
    if (isFinal(answer.status) && eventIdOf(answer) === this.toldId) {
      this.resolve({ outcome: 'nothingNew' });
      return;
    }
    const giveUp = this.parts.shoppers.take(reading.shopperHash);
    if (giveUp === undefined) {
      this.resolve({ outcome: 'tooMany' });
      return;
    }
    this.giveUp = giveUp;
    this.begun = stream.begin();
    if (!this.begun) {
      this.giveUp();
      return;
    }
    this.resolve({ outcome: 'streaming' });
    this.tell(answer);
  }

  private tell(answer: OrderAnswer): void {
    const id = eventIdOf(answer);
    if (id === this.toldId) return;
    this.toldId = id;
    this.parts.stream.send({ type: 'status', id, data: JSON.stringify(answer) });
    this.parts.onSent();
    if (isFinal(answer.status)) this.parts.stream.end();
  }
}

/** Names a state of an order. */
function eventIdOf({ status, updatedAt }: OrderAnswer): string {
  return `${status}-${Date.parse(updatedAt)}`;
}

function ignore(): void {
  // Replaced in the constructor.
}
