import { portSetting, textSetting } from '@flux/config';
import { redisSettings } from '@flux/gate';
import { proxySettings } from '@flux/http';
import { kafkaSettings } from '@flux/kafka';
import { databaseSettings } from '@flux/ledger';
import { telemetrySettings } from '@flux/telemetry';
import { z } from 'zod';
import { concentrationSettings } from './concentration/concentration-settings';
import { limitSettings } from './limits/limit-parts';
import { operatorKeysSetting, serviceKeysSetting } from './keys/api-keys';
import { checkPaymentSettings, paymentSettings } from './payments/payment-settings';
import { webhookSettings } from './webhooks/webhook-settings';

/** Everything the admin process reads from its environment. */
export const adminSettings = z
  .object({
    ...telemetrySettings.shape,
    ...databaseSettings.shape,
    ...redisSettings.shape,
    ...kafkaSettings.shape,
    FLUX_ADMIN_HOST: textSetting({
      default: '127.0.0.1',
      unit: 'address',
      description: 'Where the operator API, its docs, /metrics and /health listen',
    }),
    FLUX_ADMIN_PORT: portSetting({
      default: 3001,
      description: 'Port of the operator API',
    }),
    FLUX_OPERATOR_KEYS: operatorKeysSetting,
    FLUX_SERVICE_KEYS: serviceKeysSetting,
    ...proxySettings.shape,
    ...limitSettings.shape,
    ...concentrationSettings.shape,
    ...paymentSettings.shape,
    ...webhookSettings.shape,
  })
  .superRefine((config, context) => {
    checkPaymentSettings(config, (variable, message) => {
      context.addIssue({ code: 'custom', path: [variable], message });
    });
  });
export type AdminConfig = z.output<typeof adminSettings>;

/** Everything that `migrate` reads from its environment. */
export const migrateSettings = z.object({ ...telemetrySettings.shape, ...databaseSettings.shape });
