import { describeSettings, loadConfig } from '@flux/config';
import { brokersOf, kafkaSettings, prefixed } from './settings';

describe('kafkaSettings', () => {
  it('has safe defaults', () => {
    expect(loadConfig(kafkaSettings, {})).toEqual({
      KAFKA_BROKERS: '127.0.0.1:9092',
      FLUX_KAFKA_SSL: false,
      FLUX_KAFKA_CA_FILE: '',
      FLUX_KAFKA_SASL_MECHANISM: 'none',
      FLUX_KAFKA_SASL_USERNAME: '',
      FLUX_KAFKA_SASL_PASSWORD: '',
      FLUX_KAFKA_REPLICATION: 3,
      FLUX_KAFKA_PARTITIONS: 8,
      FLUX_TOPIC_PREFIX: '',
      FLUX_WAIVE_KAFKA_MIN_ISR: false,
      FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: false,
      FLUX_WAIVE_KAFKA_RETENTION: false,
      FLUX_WAIVE_KAFKA_REPLICATION: false,
      FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION: false,
    });
  });

  it('describes every variable', () => {
    for (const { name, unit, description } of describeSettings(kafkaSettings)) {
      expect([name, unit, description]).not.toContain('');
    }
  });

  it.each(['localhost', 'localhost:', 'a:1,,b:2', 'a:1, b:2', 'kafka://a:1'])(
    'refuses brokers %s',
    (text) => {
      expect(() => loadConfig(kafkaSettings, { KAFKA_BROKERS: text })).toThrow('KAFKA_BROKERS');
    },
  );

  it('takes several brokers', () => {
    expect(brokersOf(loadConfig(kafkaSettings, { KAFKA_BROKERS: 'a.b-c:1,127.0.0.1:65535' }))).toEqual([
      'a.b-c:1',
      '127.0.0.1:65535',
    ]);
  });

  it('sets the prefix before a name, and refuses what is no topic name', () => {
    expect(prefixed(loadConfig(kafkaSettings, { FLUX_TOPIC_PREFIX: 'shop1.' }), 'orders')).toBe(
      'shop1.orders',
    );
    expect(() => loadConfig(kafkaSettings, { FLUX_TOPIC_PREFIX: 'a/b' })).toThrow('FLUX_TOPIC_PREFIX');
  });
});
