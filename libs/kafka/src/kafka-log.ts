import type { LogEntry, logCreator } from 'kafkajs';

/** Receives what kafkajs and this library have to say. */
export type KafkaLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export const silentLog: KafkaLog = () => undefined;

/**
 * kafkajs calls everything an error that it tries again by itself, a rebalance included, several lines a second during
 * an outage. What matters of it is reported by this library, once; so all of it is passed on as `debug`.
 */
export function kafkajsLogCreator(log: KafkaLog): logCreator {
  return () =>
    ({ namespace, log: { message, error } }: LogEntry) => {
      log('debug', message, { namespace, ...(error === undefined ? {} : { error: textOf(error) }) });
    };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
