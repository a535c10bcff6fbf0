import { choiceSetting, integerSetting, textSetting } from '@flux/config';
import { z } from 'zod';

/** Variables that every process reads. */
export const telemetrySettings = z.object({
  NODE_ENV: choiceSetting({
    choices: ['development', 'production', 'test'],
    default: 'development',
    description: 'In production, conveniences that are unsafe there are refused',
  }),
  FLUX_LOG_LEVEL: choiceSetting({
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    default: 'info',
    description: 'Least severe level that is logged',
  }),
  FLUX_MANAGEMENT_HOST: textSetting({
    default: '127.0.0.1',
    unit: 'address',
    description: 'Where /metrics and /health of each process listen',
  }),
  FLUX_SHUTDOWN_GRACE_MS: integerSetting({
    default: 1_000,
    min: 0,
    max: 10_000,
    unit: 'ms',
    description:
      'How long gateway and admin, told to stop and no longer ready, go on answering: longer than a load balancer takes to notice',
  }),
});
export type TelemetryConfig = z.output<typeof telemetrySettings>;
