import type { KafkaMessage, ParkingPort } from '@flux/kafka';
import { Parking } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { OrdersMetrics } from './orders.metrics';
import { SettleService } from './settle.service';

/** Where the consumer brings a message that can never be processed. */
@Injectable()
export class ParkingService implements ParkingPort {
  constructor(
    private readonly parking: Parking,
    private readonly settles: SettleService,
    private readonly metrics: OrdersMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Books and keeps the message, then settles its orders as accepted.
   * @throws where PostgreSQL fails: the message is brought again
   */
  async park(message: KafkaMessage, reason: string): Promise<void> {
    const { topic, partition, offset } = message;
    const parked = await this.parking.park(message, reason);
    this.metrics.messageParked(parked.outcome);
    const place = { topic, partition, offset: String(offset), reason };
    switch (parked.outcome) {
      case 'kept':
        this.log.error({ ...place, detail: parked.reason }, 'message parked without a booking');
        return;
      case 'booked': {
        const { saleId, productId, counts } = parked.item;
        this.log.error({ ...place, saleId, productId, orders: counts.parked }, 'message parked');
        this.metrics.decided(parked.item);
        await this.settles.settle(parked.item);
      }
    }
  }
}
