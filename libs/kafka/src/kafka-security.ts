import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { KafkaSettings } from './settings';

/** Those left out say no: neither TLS nor a name. */
export type KafkaSecuritySettings = Partial<
  Pick<
    KafkaSettings,
    | 'FLUX_KAFKA_SSL'
    | 'FLUX_KAFKA_CA_FILE'
    | 'FLUX_KAFKA_SASL_MECHANISM'
    | 'FLUX_KAFKA_SASL_USERNAME'
    | 'FLUX_KAFKA_SASL_PASSWORD'
  >
>;

interface KafkaSecurity {
  readonly ssl?: true | ConnectionOptions;
  readonly sasl?: SASLOptions;
}

/**
 * How the brokers prove themselves to us, and we to them.
 * @throws Error where what is configured would not be used, or would lay the password open
 */
export function kafkaSecurityOf(settings: KafkaSecuritySettings): KafkaSecurity {
  const { FLUX_KAFKA_SSL: isTls = false, FLUX_KAFKA_CA_FILE: ca = '' } = settings;
  if (!isTls && ca !== '') throw new Error('FLUX_KAFKA_CA_FILE is set without FLUX_KAFKA_SSL=1');
  const tls = ca === '' ? true : { ca: readFileSync(ca) };
  return { ...(isTls ? { ssl: tls } : {}), ...saslOf(settings) };
}

function saslOf(settings: KafkaSecuritySettings): Pick<KafkaSecurity, 'sasl'> {
  const {
    FLUX_KAFKA_SASL_MECHANISM: mechanism = 'none',
    FLUX_KAFKA_SASL_USERNAME: username = '',
    FLUX_KAFKA_SASL_PASSWORD: password = '',
  } = settings;
  if (mechanism === 'none') {
    if (username + password === '') return {};
    throw new Error('FLUX_KAFKA_SASL_USERNAME and _PASSWORD are set without FLUX_KAFKA_SASL_MECHANISM');
  }
  if (username === '' || password === '') {
    throw new Error('FLUX_KAFKA_SASL_MECHANISM needs FLUX_KAFKA_SASL_USERNAME and _PASSWORD');
  }
  if (mechanism === 'plain' && settings.FLUX_KAFKA_SSL !== true) {
    throw new Error(
      'FLUX_KAFKA_SASL_MECHANISM=plain would send the password in the clear: set FLUX_KAFKA_SSL=1',
    );
  }
  // One call for each, since kafkajs types them as a union.
  switch (mechanism) {
    case 'plain':
      return { sasl: { mechanism, username, password } };
    case 'scram-sha-256':
      return { sasl: { mechanism, username, password } };
    case 'scram-sha-512':
      return { sasl: { mechanism, username, password } };
  }
}
