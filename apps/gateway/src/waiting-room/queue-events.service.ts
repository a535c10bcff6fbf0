import { Injectable } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import { EventStreams } from '@flux/http';
import type { FastifyReply } from 'fastify';
import { OrderEventsMetrics } from '../order-events/order-events.metrics';
import { QueueStream } from './queue-stream';
import { QueueService } from './queue.service';

/** A page open in several tabs, and a few that have not been noticed to be gone. */
const MAX_STREAMS_PER_TICKET = 10;

/** Streams of places in line. They end with the process as those of orders do: `EventStreams` is the same. */
@Injectable()
export class QueueEvents {
  private readonly streamsOf = new Map<string, number>();

  constructor(
    private readonly queue: QueueService,
    private readonly streams: EventStreams,
    private readonly metrics: OrderEventsMetrics,
  ) {}

  /**
   * Answers with a stream of the ticket's place.
   * @throws ProblemError as a look does; `rate-limited` beyond 10 streams of a ticket in this process;
   *   `temporarily-unavailable` beyond the process's own number
   * @throws GateUnavailableError
   */
  async open(saleId: string, ticketText: string | undefined, reply: FastifyReply): Promise<void> {
    const held = this.queue.readTicket(saleId, ticketText);
    const name = `${saleId}.${held.ticket.ticketId}`;
    const count = this.streamsOf.get(name) ?? 0;
    if (count >= MAX_STREAMS_PER_TICKET) {
      throw new ProblemError('rate-limited', `A ticket has at most ${MAX_STREAMS_PER_TICKET} streams.`);
    }
    const stream = this.streams.take(reply, {
      onEnd: (reason) => {
        this.metrics.ended(reason);
        follower.end();
        unfollow();
        this.forgetOne(name);
      },
    });
    if (stream === undefined) {
      throw new ProblemError('temporarily-unavailable', 'There are too many streams here.');
    }
    this.streamsOf.set(name, count + 1);
    const look = () => this.queue.look(saleId, held);
    const follower = new QueueStream({
      stream,
      look,
      onSent: () => {
        this.metrics.sent();
      },
    });
    const unfollow = this.queue.follow(saleId, () => {
      follower.lookSoon();
    });
    try {
      follower.begin(await look());
    } finally {
      stream.refuse();
    }
  }

  private forgetOne(name: string): void {
    const left = (this.streamsOf.get(name) ?? 1) - 1;
    if (left === 0) this.streamsOf.delete(name);
    else this.streamsOf.set(name, left);
  }
}
