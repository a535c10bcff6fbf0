import { fileURLToPath } from 'node:url';

import { installPackages } from '../../stack/packages.mjs';
import { findWrk } from '../../stack/programs.mjs';
import { SetUpError, run } from '../../stack/run.mjs';

const SCRIPT = fileURLToPath(new URL('purchases.lua', import.meta.url));

/** In one turn of a busy gateway's event loop a few dozen of them have asked: batches fill, and queues stay short. */
const CONNECTIONS = 128;
/** Ends a round that would never end; wrk itself counts by time only. */
const LONGEST_SECONDS = 540;

/**
 * A fixed number of purchases by wrk, as fast as the answers come or at a pace. Every purchase is another shopper's
 * with another key, made of the seed: a seed is used once.
 *
 * @param {object} options
 * @param {string} options.url where to buy
 * @param {string} options.saleId
 * @param {readonly string[]} options.productIds bought in turn
 * @param {number} options.amount
 * @param {string} options.seed letters and digits, at most 20
 * @param {number} [options.connections]
 * @param {number} [options.expect] the status of every answer
 * @param {string} [options.tokensFile] one JWT a line; without it the shopper is named in `x-shopper-id`
 * @param {number} [options.perSecond] a pace to keep
 * @param {{ network: string, count: number }} [options.addresses] whose requests they are, as a proxy says: in turn those
 *   of a network of two octets
 * @returns {Promise<Load>}
 * @throws {SetUpError} where an answer is missing, has another status, or is a replay: the round is not valid
 *
 * @typedef {{ seconds: number, perSecond: number, p50Ms: number, p99Ms: number }} Load
 */
export async function buyByWrk(options) {
  const { url, saleId, productIds, amount, seed, tokensFile, perSecond, addresses } = options;
  const { connections = CONNECTIONS, expect = 202 } = options;
  const given = Object.entries({ amount, seed, sale: saleId, products: productIds, expect })
    .concat(tokensFile === undefined ? [] : [['tokens', tokensFile]])
    .concat(perSecond === undefined ? [] : [['perSecond', perSecond]])
    .concat(
      addresses === undefined
        ? []
        : Object.entries({ network: addresses.network, addresses: addresses.count }),
    )
    .map(([name, value]) => `${name}=${value}`);
  const used = Math.min(connections, amount);
  const args = [
    '-t1',
    `-c${used}`,
    `-d${LONGEST_SECONDS}`,
    '--timeout',
    '30s',
    '-s',
    SCRIPT,
    url,
    '--',
    ...given,
  ];
  const { stdout } = await run('wrk', args, { what: 'wrk' });
  const counted = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  const { answered, wrong, replayed, failed, seconds, p50Ms, p99Ms, firstWrong } = counted;
  if (answered !== amount || wrong > 0 || replayed > 0 || failed > 0 || !(seconds > 0)) {
    throw new SetUpError(
      `not valid: of ${amount} purchases ${answered} were answered, ${wrong} with another status than ${expect} ` +
        `(the first: ${firstWrong || 'none'}), ${replayed} as replays, ${failed} failed`,
    );
  }
  return { seconds, perSecond: amount / seconds, p50Ms, p99Ms };
}

/** @param {(line: string) => void} log */
export async function ensureWrk(log) {
  if (!findWrk()) await installPackages({ packages: ['wrk'], log });
}
