import { probeRedis } from './redis-probe.mjs';
import { SetUpError } from './run.mjs';
import { probeTcp } from './tcp-probe.mjs';

/**
 * Servers that the environment names; nothing is started for them.
 *
 * @typedef {{ redis?: string, kafka?: string, postgres?: string }} Given
 */

/** The variable that names each server. */
export const VARIABLES = { redis: 'REDIS_URL', kafka: 'KAFKA_BROKERS', postgres: 'DATABASE_URL' };

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} [needed] the servers that it may name
 * @returns {Given}
 */
export function readGiven(env, needed = Object.keys(VARIABLES)) {
  const named = Object.entries(VARIABLES).filter(
    ([server, variable]) => needed.includes(server) && env[variable],
  );
  return Object.fromEntries(named.map(([server, variable]) => [server, env[variable]]));
}

/**
 * @param {Given} given
 * @throws {SetUpError} naming the variable (never its value, which may hold a password)
 */
export async function checkGiven({ redis, kafka, postgres }) {
  if (redis) await check(VARIABLES.redis, () => probeAnyNode(redis));
  if (kafka) await check(VARIABLES.kafka, () => probeAnyBroker(kafka));
  if (postgres) await check(VARIABLES.postgres, () => probeTcp(addressOf(postgres, 5432)));
}

/**
 * @param {string} variable
 * @param {() => Promise<unknown>} probe
 */
async function check(variable, probe) {
  try {
    await probe();
  } catch (error) {
    const reason =
      error instanceof AggregateError ? error.errors[0]?.message : /** @type {Error} */ (error).message;
    throw new SetUpError(`the server that ${variable} names does not answer: ${reason}`);
  }
}

/** One living node of a cluster is enough: a client learns of the others from it. @param {string} urls */
function probeAnyNode(urls) {
  return Promise.any(urls.split(',').map((url) => probeRedis({ url, write: false })));
}

/** One living broker is enough: a client learns of the others from it. @param {string} brokers */
function probeAnyBroker(brokers) {
  return Promise.any(
    brokers.split(',').map((broker) => probeTcp(addressOf(`kafka://${broker.trim()}`, 9092))),
  );
}

/**
 * @param {string} url
 * @param {number} defaultPort
 */
function addressOf(url, defaultPort) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error('its value is not an address');
  }
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port || defaultPort) };
}
