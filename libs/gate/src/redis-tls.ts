import { readFileSync } from 'node:fs';
import type { RedisOptions } from 'ioredis';
import type { RedisConfig } from './settings';
import { TlsConnector } from './tls-connector';

type TlsConfig = Pick<RedisConfig, 'FLUX_REDIS_CA_FILE' | 'FLUX_REDIS_CERT_FILE' | 'FLUX_REDIS_KEY_FILE'>;

/**
 * How a `rediss://` server is spoken to: its certificate must be good and bear the host of the URL. The files are read
 * with each call, so that a renewed certificate counts from the next connection on. Nothing for `redis://`.
 * @throws Error where a certificate is configured that a plain connection would not use
 */
export function redisTlsOf(url: string, config: TlsConfig): Pick<RedisOptions, 'tls' | 'Connector'> {
  const { FLUX_REDIS_CA_FILE: ca, FLUX_REDIS_CERT_FILE: cert, FLUX_REDIS_KEY_FILE: key } = config;
  if (url.startsWith('rediss:')) {
    return {
      Connector: TlsConnector,
      tls: {
        ...(ca === '' ? {} : { ca: readFileSync(ca) }),
        ...(cert === '' ? {} : { cert: readFileSync(cert) }),
        ...(key === '' ? {} : { key: readFileSync(key) }),
      },
    };
  }
  if (ca + cert + key === '') return {};
  throw new Error(
    'FLUX_REDIS_CA_FILE, _CERT_FILE and _KEY_FILE are for rediss:// alone, and REDIS_URL is redis://',
  );
}
