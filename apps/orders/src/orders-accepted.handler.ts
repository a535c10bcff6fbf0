import { decodeItemEvent, ORDERS_ACCEPTED_TOPIC, ordersOf } from '@flux/contracts';
import type { BatchAnswer, KafkaBatch, KafkaMessage } from '@flux/kafka';
import {
  BatchTransaction,
  classifyFailure,
  describeFailure,
  type BatchOutcome,
  type PlacedEvent,
} from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ConfirmationDelay } from './confirmation-delay';
import { OrdersMetrics } from './orders.metrics';
import { SettleService } from './settle.service';

/**
 * Accepted orders, and shoppers' wishes to cancel them, into the ledger: commit, then settle, then (by the answer
 * `done`) the offset.
 */
@Controller()
export class OrdersAcceptedHandler {
  constructor(
    private readonly batches: BatchTransaction,
    private readonly settles: SettleService,
    private readonly metrics: OrdersMetrics,
    private readonly confirmations: ConfirmationDelay,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** `done` does not wait for Redis to be there: what the gate has not heard of is the sweeper's. */
  @EventPattern(ORDERS_ACCEPTED_TOPIC)
  async handle(@Payload() batch: KafkaBatch): Promise<BatchAnswer> {
    const decoded = decodeBatch(batch.messages);
    if (decoded.outcome === 'unreadable') return { next: 'park', reason: decoded.reason };

    const applied = await this.apply(decoded.events);
    switch (applied.outcome) {
      case 'transient':
        return { next: 'retry', reason: applied.reason };
      case 'data':
      case 'refused':
        return { next: 'park', reason: applied.reason };
      case 'applied':
        for (const item of applied.items) {
          this.metrics.decided(item);
          this.confirmations.decided(item);
          if (item.rewound !== undefined)
            this.log.error(item.settlement, `Redis went back in time: ${item.rewound}`);
        }
        await Promise.all(applied.items.map((item) => this.settles.settle(item)));
        return { next: 'done' };
    }
  }

  private async apply(
    events: readonly PlacedEvent[],
  ): Promise<BatchOutcome | { readonly outcome: 'transient' | 'data'; readonly reason: string }> {
    const startedAt = performance.now();
    const orders = events.reduce((sum, { event }) => sum + ordersOf(event).length, 0);
    try {
      const outcome = await this.batches.apply(events);
      this.metrics.transaction(performance.now() - startedAt, orders);
      return outcome;
    } catch (error) {
      const outcome = classifyFailure(error);
      const reason = describeFailure(error);
      // Not the error itself: it carries every parameter of the statement.
      this.log[outcome === 'data' ? 'error' : 'warn']({ reason, orders }, 'the batch transaction failed');
      return { outcome, reason };
    }
  }
}

type DecodedBatch =
  | { readonly outcome: 'events'; readonly events: readonly PlacedEvent[] }
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** The events of all messages, or why one of them cannot be read: then the batch is halved until it is alone. */
function decodeBatch(messages: readonly KafkaMessage[]): DecodedBatch {
  const events: PlacedEvent[] = [];
  for (const { key, value, offset } of messages) {
    if (value === undefined) return { outcome: 'unreadable', reason: 'there is no body' };
    const decoded = decodeItemEvent(value.toString('utf8'));
    if (decoded.outcome === 'unreadable') return decoded;
    // Another key leads to another partition, whose offsets say nothing about the item's epochs.
    if (key !== decoded.event.productId) {
      return { outcome: 'unreadable', reason: 'the key is not the product id' };
    }
    events.push({ event: decoded.event, offset });
  }
  return { outcome: 'events', events };
}
