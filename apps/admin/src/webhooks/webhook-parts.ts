import type { Provider, Type } from '@nestjs/common';
import { DeliveriesController } from './deliveries.controller';
import { Deliveries } from './deliveries.repository';
import { EgressPolicy } from './egress-policy';
import { WebhookDelivery } from './webhook-delivery.service';
import { WebhookMaintenance } from './webhook-maintenance';
import { WebhookSender } from './webhook-sender';
import type { WebhookConfig } from './webhook-settings';
import { WebhookMetrics } from './webhook.metrics';
import { WebhooksController } from './webhooks.controller';
import { Webhooks } from './webhooks.service';

export const WEBHOOK_CONTROLLERS: readonly Type[] = [WebhooksController, DeliveriesController];

export function webhookProviders({ FLUX_WEBHOOK_ALLOW: allowed }: WebhookConfig): readonly Provider[] {
  return [
    { provide: EgressPolicy, useFactory: () => new EgressPolicy(allowed) },
    Webhooks,
    Deliveries,
    WebhookSender,
    WebhookMetrics,
    WebhookDelivery,
    WebhookMaintenance,
  ];
}
