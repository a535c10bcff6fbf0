import {
  fileSetting,
  flagSetting,
  integerSetting,
  passwordsOfUrls,
  secretSetting,
  textSetting,
} from '@flux/config';
import { z } from 'zod';

/** Variables of every process that talks to PostgreSQL. */
export const databaseSettings = z.object({
  DATABASE_URL: secretSetting(
    textSetting({
      default: 'postgres://flux:flux@127.0.0.1:5432/flux',
      unit: 'url',
      description: 'PostgreSQL: user, password, host, port and database; ?sslmode=verify-full for TLS',
    })
      .refine(isDatabaseUrl, 'must be a postgres:// address')
      .refine(hasKnownSslMode, 'sslmode must be disable or verify-full: any other may check no certificate'),
    passwordsOfUrls('FLUX_WAIVE_DATABASE_PASSWORD'),
  ),
  FLUX_DATABASE_CA_FILE: fileSetting({
    description:
      'Who vouches for the certificate of PostgreSQL, as PEM, which turns TLS on; empty: with sslmode=verify-full those whom Node trusts',
  }),
  FLUX_DATABASE_POOL_SIZE: integerSetting({
    default: 8,
    min: 2,
    max: 200,
    unit: 'connections',
    description: 'Most connections that one process opens to PostgreSQL',
  }),
  FLUX_DATABASE_LOCK_TIMEOUT_MS: integerSetting({
    default: 2_000,
    min: 10,
    max: 60_000,
    unit: 'ms',
    description: 'Longest wait for a row that another transaction holds; then the batch is tried again',
  }),
  FLUX_DATABASE_STATEMENT_TIMEOUT_MS: integerSetting({
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    description: 'Longest run of one statement',
  }),
  FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: integerSetting({
    default: 5_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    description: 'Longest silence inside a transaction: a frozen process then loses its locks',
  }),
  FLUX_WAIVE_DATABASE_PASSWORD: flagSetting({
    default: false,
    description:
      'Start in production although DATABASE_URL has no good password: where the network or a certificate says who may come',
  }),
  FLUX_WAIVE_DATABASE_FSYNC: flagSetting({
    default: false,
    description: 'Start although PostgreSQL runs with fsync off: a power cut can lose or break everything',
  }),
  FLUX_WAIVE_DATABASE_SYNCHRONOUS_COMMIT: flagSetting({
    default: false,
    description: 'Start although synchronous_commit is off: a crash can lose the last commits',
  }),
  FLUX_WAIVE_DATABASE_FULL_PAGE_WRITES: flagSetting({
    default: false,
    description: 'Start although full_page_writes is off: a power cut can leave torn pages',
  }),
});
export type DatabaseConfig = z.output<typeof databaseSettings>;

function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '');
}

/** `require` and `prefer` mean one thing to libpq and another to its successors; none of them proves who answers. */
function hasKnownSslMode(text: string): boolean {
  const mode = URL.parse(text)?.searchParams.get('sslmode') ?? 'disable';
  return mode === 'disable' || mode === 'verify-full';
}
