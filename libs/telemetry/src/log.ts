import { pino, type DestinationStream, type Logger } from 'pino';
import type { TelemetryConfig } from './settings';

export type Log = Logger;

/** Injection token of the process's pino logger. */
export const LOG = Symbol('flux.log');

/** Secrets as they are named wherever an object could carry them into a line. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'token',
  'secret',
  'password',
  'apiKey',
  'idempotencyKey',
  '["set-cookie"]',
  '["idempotency-key"]',
  '["x-idempotency-key"]',
  '["x-challenge"]',
  '["x-pass"]',
];

const REDACTED_PATHS = SECRET_NAMES.flatMap((name) =>
  name.startsWith('[')
    ? [name, `headers${name}`, `req.headers${name}`]
    : [name, `headers.${name}`, `req.headers.${name}`],
);

/**
 * JSON lines on standard output, written synchronously so that the last line before an exit is not lost. Tokens,
 * keys and raw idempotency keys are censored by name; code logs order ids instead.
 */
export function createLog(
  config: Pick<TelemetryConfig, 'FLUX_LOG_LEVEL'>,
  processName: string,
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Log {
  return pino(
    {
      level: config.FLUX_LOG_LEVEL,
      base: { process: processName, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    destination,
  );
}
