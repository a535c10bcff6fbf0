import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The users of a stack's Redis: one for each process, as deploy/redis/users.acl has them, and one that may do everything,
 * for tools.
 *
 * @typedef {'gateway' | 'relay' | 'orders' | 'admin'} AppName
 * @typedef {Record<AppName | 'dev', string>} RedisPasswords
 */

/** @type {(keyof RedisPasswords)[]} */
const NAMES = ['gateway', 'relay', 'orders', 'admin', 'dev'];

/**
 * Random, made once, readable by the owner of the clone only.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {RedisPasswords}
 */
export function redisPasswords({ redisPasswordsFile: file }) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  mkdirSync(dirname(file), { recursive: true });
  const passwords = Object.fromEntries(NAMES.map((name) => [name, randomBytes(24).toString('base64url')]));
  writeFileSync(file, `${JSON.stringify(passwords)}\n`, { mode: 0o600 });
  return /** @type {RedisPasswords} */ (passwords);
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {string} the text of its ACL file
 */
export function redisUsers(layout) {
  const template = readFileSync(join(layout.root, 'deploy', 'redis', 'users.acl'), 'utf8');
  const passwords = redisPasswords(layout);
  const lines = template.split('\n').filter((line) => line.startsWith('user '));
  const users = lines
    .join('\n')
    .replace(/\{(\w+)-password\}/g, (_, name) => passwords[/** @type {AppName} */ (name)]);
  return `${users}\nuser flux-dev on >${passwords.dev} ~* &* +@all\n`;
}

/**
 * The URLs of a Redis, as a user of it has them.
 *
 * @param {string} urls separated by commas
 * @param {{ name: keyof RedisPasswords, passwords: RedisPasswords }} user
 */
export function asUser(urls, { name, passwords }) {
  return urls
    .split(',')
    .map((url) => url.replace('redis://', `redis://flux-${name}:${passwords[name]}@`))
    .join(',');
}
