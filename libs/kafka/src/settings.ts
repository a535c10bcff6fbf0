import {
  choiceSetting,
  fileSetting,
  flagSetting,
  integerSetting,
  secretSetting,
  textSetting,
  WHOLE_PASSWORD,
} from '@flux/config';
import { z } from 'zod';

const BROKERS_PATTERN = /^[A-Za-z0-9._-]+:\d{1,5}(,[A-Za-z0-9._-]+:\d{1,5})*$/;
const PREFIX_PATTERN = /^[A-Za-z0-9._-]{0,80}$/;

/** The variables of every process that speaks to Kafka. */
export const kafkaSettings = z.object({
  KAFKA_BROKERS: textSetting({
    default: '127.0.0.1:9092',
    unit: 'host:port, separated by commas',
    description: 'Kafka brokers to start from; the others are found through them',
  }).refine((text) => BROKERS_PATTERN.test(text), 'must be host:port, separated by commas'),
  FLUX_KAFKA_SSL: flagSetting({
    default: false,
    description:
      'Speak TLS to the brokers; their certificates must be good and bear the names that they are reached by',
  }),
  FLUX_KAFKA_CA_FILE: fileSetting({
    description: 'Who vouches for them, as PEM; empty: those whom Node trusts',
  }),
  FLUX_KAFKA_SASL_MECHANISM: choiceSetting({
    choices: ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
    default: 'none',
    description: 'How the process says who it is; plain sends the password, so only with FLUX_KAFKA_SSL=1',
  }),
  FLUX_KAFKA_SASL_USERNAME: textSetting({ default: '', unit: 'text', description: 'As whom' }),
  FLUX_KAFKA_SASL_PASSWORD: secretSetting(
    textSetting({ default: '', unit: 'text', description: 'With which password' }),
    WHOLE_PASSWORD,
  ),
  FLUX_KAFKA_REPLICATION: integerSetting({
    default: 3,
    min: 1,
    max: 9,
    unit: 'replicas',
    description:
      'Copies of each topic that is created. An order survives the loss of all but one of min(2, this)',
  }),
  FLUX_KAFKA_PARTITIONS: integerSetting({
    default: 8,
    min: 1,
    max: 1_000,
    unit: 'partitions',
    description: 'Partitions of each topic that is created, and the least that an existing one may have',
  }),
  FLUX_TOPIC_PREFIX: textSetting({
    default: '',
    unit: 'text',
    description: 'Stands before every topic and consumer group, so that installations can share a Kafka',
  }).refine((text) => PREFIX_PATTERN.test(text), 'must match [A-Za-z0-9._-]{0,80}'),
  FLUX_WAIVE_KAFKA_MIN_ISR: flagSetting({
    default: false,
    description: 'Start although min.insync.replicas is too low: a broker that dies can take orders with it',
  }),
  FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: flagSetting({
    default: false,
    description: 'Start although unclean leader election is on: a stale replica can become the truth',
  }),
  FLUX_WAIVE_KAFKA_REPLICATION: flagSetting({
    default: false,
    description: 'Start although a topic has a single copy: its broker takes the messages with it',
  }),
  FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION: flagSetting({
    default: false,
    description:
      'Start although __consumer_offsets has a single copy, or cannot be looked at: its broker takes the groups’ offsets with it',
  }),
  FLUX_WAIVE_KAFKA_RETENTION: flagSetting({
    default: false,
    description:
      'Start although ledger-events.v1 is not kept for ever: a lost database comes back from a younger backup only',
  }),
});
export type KafkaSettings = z.output<typeof kafkaSettings>;

export function brokersOf({ KAFKA_BROKERS }: Pick<KafkaSettings, 'KAFKA_BROKERS'>): string[] {
  return KAFKA_BROKERS.split(',');
}

/** A topic's or a consumer group's name in this installation. */
export function prefixed(
  { FLUX_TOPIC_PREFIX }: Pick<KafkaSettings, 'FLUX_TOPIC_PREFIX'>,
  name: string,
): string {
  return `${FLUX_TOPIC_PREFIX}${name}`;
}

/** Injection token of KafkaSettings. */
export const KAFKA_SETTINGS = Symbol('flux.kafka-settings');
