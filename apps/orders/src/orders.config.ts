import { integerSetting, portSetting } from '@flux/config';
import { redisSettings } from '@flux/gate';
import { kafkaSettings } from '@flux/kafka';
import { databaseSettings } from '@flux/ledger';
import { telemetrySettings } from '@flux/telemetry';
import { z } from 'zod';

/** Everything the orders process reads from its environment. */
export const ordersSettings = z.object({
  ...telemetrySettings.shape,
  ...kafkaSettings.shape,
  ...databaseSettings.shape,
  ...redisSettings.shape,
  FLUX_ORDERS_MANAGEMENT_PORT: portSetting({
    default: 9402,
    description: 'Where /metrics and /health of the orders process listen',
  }),
  FLUX_SWEEP_INTERVAL_MS: integerSetting({
    default: 2_000,
    min: 50,
    max: 600_000,
    unit: 'ms',
    description: 'Pause between two rounds of the sweeper over the unfinished outboxes',
  }),
  FLUX_SWEEP_AGE_MS: integerSetting({
    default: 5_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    description: 'Age at which an order that is not settled interests the sweeper',
  }),
  FLUX_EXPIRY_INTERVAL_MS: integerSetting({
    default: 500,
    min: 20,
    max: 600_000,
    unit: 'ms',
    description:
      'Pause between two looks for holds that have run out, and for states that the gate still lacks',
  }),
  FLUX_EXPIRY_BATCH: integerSetting({
    default: 1_000,
    min: 1,
    max: 5_000,
    unit: 'orders',
    description: 'Most orders that one transaction ends: so long is an item locked',
  }),
  FLUX_EVENTS_INTERVAL_MS: integerSetting({
    default: 200,
    min: 10,
    max: 600_000,
    unit: 'ms',
    description: 'Pause between two looks for order events that are not published',
  }),
});
export type OrdersConfig = z.output<typeof ordersSettings>;
