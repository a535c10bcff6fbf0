import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { itemName, itemOfOrderId, ProblemError, type ItemRef } from '@flux/contracts';
import { GateClient, GateSubscriber } from '@flux/gate';
import { EventStreams } from '@flux/http';
import { LOG, type Log } from '@flux/telemetry';
import type { FastifyReply } from 'fastify';
import type { OrderReader } from '../guards/request-facts';
import { AbsentOrder, unknownOrder } from '../orders/absent-order';
import { FollowedItem } from './followed-item';
import { OrderEventsMetrics } from './order-events.metrics';
import { OrderStream, type Opening } from './order-stream';
import { ShopperStreams } from './shopper-streams';

/** A page open in several tabs, and a few that have not been noticed to be gone. */
const MAX_STREAMS_PER_ORDER = 10;

/** Of the comment lines of a stream, every how manieth reads its order again. */
const HEARTBEATS_PER_READ = 4;

interface StreamRequest {
  readonly orderId: string;
  readonly reader: OrderReader;
  readonly lastEventId: string | undefined;
  readonly reply: FastifyReply;
}

/**
 * Streams of orders' changes. What a push concerns is read again; so is everything when the push channel comes back,
 * and each order once a minute, for a message can be lost without the channel's end being noticed.
 */
@Injectable()
export class OrderEvents implements BeforeApplicationShutdown {
  private readonly items = new Map<string, FollowedItem>();

  constructor(
    private readonly gate: GateClient,
    private readonly push: GateSubscriber,
    private readonly streams: EventStreams,
    private readonly shoppers: ShopperStreams,
    private readonly absent: AbsentOrder,
    private readonly metrics: OrderEventsMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {
    push.onChange((up) => {
      if (!up) return;
      for (const item of this.items.values()) item.readAgain();
    });
  }

  /**
   * Answers with a stream of the order's changes, or with 204 where the reader knows the final one. Resolves when it
   * has begun.
   * @throws ProblemError `unknown-order`, also for another shopper's; `sale-closed`, `not-ready` as a read does;
   *   `rate-limited` beyond 10 streams of an order in this process, or a shopper's number; `temporarily-unavailable` beyond the process's
   *   own number
   * @throws GateUnavailableError
   */
  async open({ orderId, reader, lastEventId, reply }: StreamRequest): Promise<void> {
    const item = itemOfOrderId(orderId);
    if (item === undefined) throw unknownOrder();
    if ((this.items.get(itemName(item))?.followersOf(orderId) ?? 0) >= MAX_STREAMS_PER_ORDER) {
      throw new ProblemError('rate-limited', `An order has at most ${MAX_STREAMS_PER_ORDER} streams.`);
    }
    let heartbeats = 0;
    const stream = this.streams.take(reply, {
      onEnd: (reason) => {
        this.metrics.ended(reason);
        follower.onEnd();
        this.unfollow(orderId, item, follower);
      },
      onHeartbeat: () => {
        heartbeats += 1;
        if (heartbeats % HEARTBEATS_PER_READ > 0) return;
        this.items.get(itemName(item))?.readAgain([orderId]);
      },
    });
    if (stream === undefined) throw noStream('There are too many streams here.');
    const follower = new OrderStream({
      stream,
      reader,
      lastEventId,
      shoppers: this.shoppers,
      onSent: () => {
        this.metrics.sent();
      },
    });
    this.followed(item).add(orderId, follower);
    try {
      await this.answer(await follower.opening, item, reply);
    } finally {
      stream.refuse();
    }
  }

  /** Before the listener closes: it waits for every answer that is under way. */
  beforeApplicationShutdown(): void {
    this.streams.shutDown();
  }

  private async answer(opening: Opening, item: ItemRef, reply: FastifyReply): Promise<void> {
    switch (opening.outcome) {
      case 'streaming':
        return;
      case 'nothingNew':
        // What EventSource understands as: do not come back.
        reply.status(204).header('cache-control', 'no-store').send();
        return;
      case 'unknownOrder':
        throw unknownOrder();
      case 'tooMany':
        throw new ProblemError('rate-limited', 'A shopper follows only so many orders at once.');
      case 'notReady':
        throw await this.absent.withoutItem(item);
      case 'over':
        throw noStream('The process is ending.');
    }
  }

  private followed(item: ItemRef): FollowedItem {
    const name = itemName(item);
    const known = this.items.get(name);
    if (known !== undefined) return known;
    const { gate, push, log } = this;
    const followed = new FollowedItem({ item, gate, push, log });
    this.items.set(name, followed);
    return followed;
  }

  private unfollow(orderId: string, item: ItemRef, follower: OrderStream): void {
    const name = itemName(item);
    const followed = this.items.get(name);
    if (followed === undefined) return;
    followed.remove(orderId, follower);
    if (!followed.isEmpty) return;
    this.items.delete(name);
    followed.end();
  }
}

function noStream(detail: string): ProblemError {
  return new ProblemError('temporarily-unavailable', detail);
}
