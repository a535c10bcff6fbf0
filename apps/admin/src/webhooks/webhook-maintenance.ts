import { Injectable } from '@nestjs/common';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { Deliveries } from './deliveries.repository';
import { WebhookDelivery } from './webhook-delivery.service';

/** How soon an event is noticed. */
const DELIVERING_PAUSE_MS = 500;
const PRUNING_PAUSE_MS = 600_000;

/** What goes out to the shop's endpoints without an operator. */
@Injectable()
export class WebhookMaintenance {
  constructor(
    private readonly delivery: WebhookDelivery,
    private readonly deliveries: Deliveries,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [
      { task: 'webhooks', pauseMs: DELIVERING_PAUSE_MS, work: () => this.delivery.deliverDue() },
      { task: 'pruning', pauseMs: PRUNING_PAUSE_MS, work: () => this.deliveries.prune() },
    ];
  }
}
