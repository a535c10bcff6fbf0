import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TEMPLATE = join(__dirname, '../../../deploy/redis/users.acl');

/** The users of the product, as every Redis of a test has them beside the default one, which may do everything. */
export function productUsers(): string {
  const lines = readFileSync(TEMPLATE, 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('user flux-'))
    .map((line) => `${line.replace(/\{(\w+)-password\}/, (_, app: string) => passwordOf(app))}\n`)
    .join('');
}

/** The URLs of a test's Redis, as the user of a process has them. */
export function asRedisUser(urls: string, app: string): string {
  return urls
    .split(',')
    .map((text) => {
      const url = new URL(text);
      url.username = `flux-${app}`;
      url.password = passwordOf(app);
      return url.href;
    })
    .join(',');
}

function passwordOf(app: string): string {
  return `test-of-the-${app}-process`;
}
