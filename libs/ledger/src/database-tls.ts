import { readFileSync } from 'node:fs';
import type { DatabaseConfig } from './settings';

interface DatabaseAddress {
  readonly url: string;
  readonly ssl?: { readonly rejectUnauthorized: true; readonly ca?: Buffer };
}

/**
 * Where PostgreSQL is, and how its certificate is checked: always, and against the host of the URL. The mode is taken out
 * of the URL, for the client would let it replace what is said here.
 * @throws Error where the URL turns off what the file asks for
 */
export function databaseAddressOf({
  DATABASE_URL,
  FLUX_DATABASE_CA_FILE: ca,
}: Pick<DatabaseConfig, 'DATABASE_URL' | 'FLUX_DATABASE_CA_FILE'>): DatabaseAddress {
  const url = new URL(DATABASE_URL);
  const mode = url.searchParams.get('sslmode');
  url.searchParams.delete('sslmode');
  if (ca === '' && mode !== 'verify-full') return { url: url.href };
  if (mode === 'disable')
    throw new Error('FLUX_DATABASE_CA_FILE is set, and DATABASE_URL says sslmode=disable');
  return {
    url: url.href,
    ssl: { rejectUnauthorized: true, ...(ca === '' ? {} : { ca: readFileSync(ca) }) },
  };
}
