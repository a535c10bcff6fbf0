import {
  choiceSetting,
  fileSetting,
  flagSetting,
  integerSetting,
  passwordsOfUrls,
  secretSetting,
  textSetting,
} from '@flux/config';
import { z } from 'zod';

/** Every URL a Redis client takes: scheme and host; user, password, port and database are optional. */
const REDIS_URLS = /^rediss?:\/\/[^,\s/]+(\/\d*)?(,rediss?:\/\/[^,\s/]+(\/\d*)?)*$/;

/** The variables of the gate's Redis. */
export const redisSettings = z.object({
  REDIS_URL: secretSetting(
    textSetting({
      default: 'redis://127.0.0.1:6379',
      unit: 'redis:// or rediss:// URL',
      description: 'Redis of the gate; in cluster mode several URLs separated by commas',
    }).refine((text) => REDIS_URLS.test(text), 'must be redis:// or rediss:// URLs separated by commas'),
    passwordsOfUrls('FLUX_WAIVE_REDIS_PASSWORD'),
  ),
  FLUX_REDIS_CA_FILE: fileSetting({
    description:
      'Who vouches for the certificates of a rediss:// server, as PEM; empty: those whom Node trusts',
  }),
  FLUX_REDIS_CERT_FILE: fileSetting({
    description: "The process's own certificate, as PEM, where the server asks for one",
  }),
  FLUX_REDIS_KEY_FILE: fileSetting({ description: "That certificate's private key, as PEM" }),
  FLUX_REDIS_MODE: choiceSetting({
    choices: ['single', 'cluster'],
    default: 'single',
    description: 'One Redis, or Redis Cluster',
  }),
  FLUX_REDIS_COMMAND_TIMEOUT_MS: integerSetting({
    default: 1_000,
    min: 50,
    max: 60_000,
    unit: 'ms',
    description: 'A call of the gate without an answer after this long has an unknown outcome',
  }),
  FLUX_DURABILITY: choiceSetting({
    choices: ['strict', 'replicated', 'fast'],
    default: 'strict',
    description: 'What an accepted order survives, and its price: docs/durability.md',
  }),
  FLUX_WAIVE_REDIS_PASSWORD: flagSetting({
    default: false,
    description:
      'Start in production although REDIS_URL has no good password: where the network or a certificate says who may come',
  }),
  FLUX_WAIVE_REDIS_APPENDONLY: flagSetting({
    default: false,
    description:
      'Start although Redis runs without `appendonly yes`, whatever its `appendfsync`: accepted orders can be lost',
  }),
  FLUX_WAIVE_REDIS_EVICTION: flagSetting({
    default: false,
    description: 'Start although Redis runs without `maxmemory-policy noeviction`: it may delete stock',
  }),
});

/** `redisSettings`, parsed. */
export type RedisConfig = z.output<typeof redisSettings>;
