import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';

import { stackLayout } from '../stack/layout.mjs';
import { TOPOLOGIES } from '../stack/topology.mjs';
import { LISTENERS, addressOf, urlOf } from './apps.mjs';

const NAME = TOPOLOGIES.single.defaultName;

/** What `npm start` keeps of its own beside the servers' data, whatever their topology: one system runs at a time. */
export const DEV = {
  ...stackLayout(NAME),
  startLock: join(dirname(stackLayout(NAME).folder), `${NAME}-start.lock`),
  operatorKeyFile: join(stackLayout(NAME).folder, 'operator-key'),
  serviceKeyFile: join(stackLayout(NAME).folder, 'service-key'),
  tokenKeyFile: join(stackLayout(NAME).folder, 'token-key'),
  environmentFile: join(stackLayout(NAME).folder, 'env'),
};

/**
 * Where the servers and processes of `npm start` have their data, pid files and logs.
 *
 * @param {import('../stack/topology.mjs').Topology} topology
 */
export function layoutOf(topology) {
  const layout = stackLayout(TOPOLOGIES[topology].defaultName);
  return { ...layout, demoDoneFile: join(layout.folder, 'demo-done') };
}

/**
 * What the apps are given over the defaults of their own; a variable that the caller has set wins.
 *
 * @param {{ stack: import('../stack/stack.mjs').Stack, secrets: Secrets, env?: NodeJS.ProcessEnv }} options
 * @returns {Record<string, string>}
 */
export function appEnvironment({ stack, secrets, env = process.env }) {
  const { host: shopHost, port: shopPort } = addressOf(LISTENERS.shop, env);
  const { host: operatorHost, port: operatorPort } = addressOf(LISTENERS.operator, env);
  const managementPorts = [
    LISTENERS.gatewayManagement,
    LISTENERS.relayManagement,
    LISTENERS.ordersManagement,
  ].map((listener) => [listener.portVariable, addressOf(listener, env).port]);
  const given = {
    REDIS_URL: stack.redisUrl,
    FLUX_REDIS_MODE: stack.redisMode,
    FLUX_DURABILITY: stack.durability,
    KAFKA_BROKERS: stack.kafkaBrokers,
    DATABASE_URL: stack.databaseUrl,
    FLUX_KAFKA_REPLICATION: stack.kafkaReplication,
    FLUX_AUTH: 'demo',
    FLUX_DOCS: 1,
    FLUX_GATEWAY_HOST: shopHost,
    FLUX_GATEWAY_PORT: shopPort,
    FLUX_ADMIN_HOST: operatorHost,
    FLUX_ADMIN_PORT: operatorPort,
    ...Object.fromEntries(managementPorts),
    // The demo's crowd comes from one address.
    FLUX_ADDRESS_LIMIT: '1000000/1s',
    FLUX_ADDRESS_CONNECTIONS: 1_000_000,
    FLUX_TOKEN_KEYS: `dev:${secrets.token}`,
    FLUX_OPERATOR_KEYS: `demo:${digestOf(secrets.operator)}`,
    FLUX_SERVICE_KEYS: `demo-shop:${digestOf(secrets.service)}`,
    FLUX_PAYMENTS: 'demo',
  };
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, env[name] || String(value)]));
}

/**
 * What the tools that use a running system need beside the apps' own settings.
 *
 * @param {import('./apps.mjs').App[]} apps
 * @param {NodeJS.ProcessEnv} env
 */
export function toolEnvironment(apps, env) {
  const gateways = apps.filter(({ name }) => name === 'gateway');
  return {
    FLUX_GATEWAY_URL: gateways.map(({ ready }) => urlOf(ready, env)).join(','),
    FLUX_ADMIN_URL: urlOf(LISTENERS.operator, env),
    FLUX_OPERATOR_KEY_FILE: DEV.operatorKeyFile,
    FLUX_SERVICE_KEY_FILE: DEV.serviceKeyFile,
  };
}

/**
 * The keys of this clone, each made once: of its operator, of the shop's backend, and the one that signs tokens.
 *
 * @typedef {{ operator: string, service: string, token: string }} Secrets
 *
 * @returns {Secrets}
 */
export function secretsOfClone() {
  return {
    operator: secretIn(DEV.operatorKeyFile),
    service: secretIn(DEV.serviceKeyFile),
    token: secretIn(DEV.tokenKeyFile),
  };
}

/** @param {string} file */
function secretIn(file) {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  mkdirSync(DEV.folder, { recursive: true });
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

/** @param {string} key */
function digestOf(key) {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * Leaves the variables of the running system for other tools of this clone, such as the demo and the audit; also for
 * `node --env-file` and a shell.
 *
 * @param {Record<string, string>} variables
 */
export function writeEnvironment(variables) {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}\n`);
  writeFileSync(DEV.environmentFile, lines.join(''), { mode: 0o600 });
}

/** @param {string} value */
function quote(value) {
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

/** @returns {Record<string, string> | undefined} nothing when the system is not running */
export function readEnvironment() {
  if (!existsSync(DEV.environmentFile)) return undefined;
  return /** @type {Record<string, string>} */ (parseEnv(readFileSync(DEV.environmentFile, 'utf8')));
}

export function removeEnvironment() {
  rmSync(DEV.environmentFile, { force: true });
}
