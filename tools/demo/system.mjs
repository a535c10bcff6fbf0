import { existsSync, readFileSync } from 'node:fs';

import { SetUpError } from '../stack/run.mjs';
import { LISTENERS, urlOf } from '../start/apps.mjs';
import { DEV, readEnvironment } from '../start/environment.mjs';

/**
 * Where the running system is, and the keys of its operator and of the shop's backend. `gatewayUrl` is the first of
 * `gatewayUrls`.
 *
 * @typedef {{ gatewayUrls: readonly string[], gatewayUrl: string, adminUrl: string, operatorKey: string, serviceKey: string }} System
 */

/**
 * From the environment, else from the running system of this clone, else where a system listens by default.
 *
 * @param {NodeJS.ProcessEnv} [given]
 * @returns {System}
 * @throws {SetUpError} when there is no such key
 */
export function findSystem(given = process.env) {
  const env = { ...readEnvironment(), ...given };
  const gatewayUrls = (env.FLUX_GATEWAY_URL || urlOf(LISTENERS.shop, env)).split(',');
  return {
    gatewayUrls,
    gatewayUrl: gatewayUrls[0] ?? '',
    adminUrl: env.FLUX_ADMIN_URL || urlOf(LISTENERS.operator, env),
    operatorKey:
      env.FLUX_OPERATOR_KEY || readKey(env.FLUX_OPERATOR_KEY_FILE || DEV.operatorKeyFile, 'operator'),
    serviceKey: env.FLUX_SERVICE_KEY || readKey(env.FLUX_SERVICE_KEY_FILE || DEV.serviceKeyFile, 'service'),
  };
}

/** @param {string} file @param {'operator' | 'service'} whose */
function readKey(file, whose) {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  throw new SetUpError(
    `there is no ${whose} key: start Flux-Gate with npm start, or set FLUX_${whose.toUpperCase()}_KEY for a system elsewhere`,
  );
}

/**
 * @param {System} system
 * @throws {SetUpError} when no gateway is there that could sell
 */
export async function requireGateway({ gatewayUrl }) {
  const answer = await fetch(`${gatewayUrl}/health/ready`, { signal: AbortSignal.timeout(10_000) }).catch(
    () => {
      throw notRunning('gateway', gatewayUrl);
    },
  );
  await answer.arrayBuffer();
  if (!answer.ok)
    throw new SetUpError(`the gateway at ${gatewayUrl} is not ready (${answer.status}): see its log`);
}

/**
 * @param {string} what
 * @param {string} url
 */
export function notRunning(what, url) {
  return new SetUpError(
    `no ${what} answers at ${url}: start Flux-Gate with npm start (in another terminal), then try again`,
  );
}
