import { Kafka, logLevel, type RetryOptions } from 'kafkajs';
import { kafkajsLogCreator, silentLog, type KafkaLog } from './kafka-log';
import { kafkaSecurityOf, type KafkaSecuritySettings } from './kafka-security';
import { brokersOf, type KafkaSettings } from './settings';

/** Spelled out because kafkajs takes other defaults under NODE_ENV=test. */
export const KAFKAJS_RETRY: Readonly<RetryOptions> = {
  initialRetryTime: 100,
  maxRetryTime: 3_000,
  factor: 0.2,
  multiplier: 2,
  retries: 5,
};

const CONNECTION_TIMEOUT_MS = 3_000;
/** How long a request waits for its answer: a frozen broker is noticed after this. */
export const KAFKA_REQUEST_TIMEOUT_MS = 15_000;

export interface KafkaClientOptions {
  readonly settings: Pick<KafkaSettings, 'KAFKA_BROKERS'> & KafkaSecuritySettings;
  /** Names the process in the broker's logs. */
  readonly clientId: string;
  readonly log?: KafkaLog;
}

/**
 * A kafkajs client. Each consumer needs one of its own: kafkajs keeps the committed offsets of a group per client,
 * and two consumers of a group would overwrite each other's.
 */
export function createKafka({ settings, clientId, log = silentLog }: KafkaClientOptions): Kafka {
  return new Kafka({
    brokers: brokersOf(settings),
    ...kafkaSecurityOf(settings),
    clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: KAFKA_REQUEST_TIMEOUT_MS,
    retry: KAFKAJS_RETRY,
    logLevel: logLevel.WARN,
    logCreator: kafkajsLogCreator(log),
  });
}
