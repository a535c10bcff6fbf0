import { Injectable } from '@nestjs/common';
import { EventStreams, type StreamEnd } from '@flux/http';
import { Metrics } from '@flux/telemetry';

/** How many streams there are, how they end, and how much they tell. */
@Injectable()
export class OrderEventsMetrics {
  private readonly ends;
  private readonly events;

  constructor(metrics: Metrics, streams: EventStreams) {
    metrics.gauge({
      name: 'event_streams',
      help: 'Event streams that are open',
      collect: (gauge) => {
        gauge.set(streams.size);
      },
    });
    this.ends = metrics.counter({
      name: 'event_streams_ended_total',
      help: 'Event streams by how they ended; slow ones did not read what they were sent',
      labels: ['reason'],
    });
    this.events = metrics.counter({
      name: 'order_events_sent_total',
      help: 'Changes of orders that were streamed',
    });
  }

  ended(reason: StreamEnd): void {
    this.ends.inc({ reason });
  }

  sent(): void {
    this.events.inc();
  }
}
