import { integerSetting, portSetting } from '@flux/config';
import { redisSettings } from '@flux/gate';
import { kafkaSettings } from '@flux/kafka';
import { telemetrySettings } from '@flux/telemetry';
import { z } from 'zod';

/** Everything the relay reads from its environment. */
export const relaySettings = z.object({
  ...telemetrySettings.shape,
  ...kafkaSettings.shape,
  ...redisSettings.shape,
  FLUX_RELAY_MANAGEMENT_PORT: portSetting({
    default: 9401,
    description: 'Where /metrics and /health of the relay listen',
  }),
  FLUX_RELAY_LINGER_MS: integerSetting({
    default: 20,
    min: 1,
    max: 1_000,
    unit: 'ms',
    description: 'Pause after a read that found less than there could be: what comes meanwhile shares a send',
  }),
});
export type RelayConfig = z.output<typeof relaySettings>;
