import { choiceSetting, textSetting } from '@flux/config';
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
});
export type TelemetryConfig = z.output<typeof telemetrySettings>;
