import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { SetUpError } from '../../stack/run.mjs';

const PROGRAM = fileURLToPath(new URL('open-loop-process.mjs', import.meta.url));

/** More than are under way at once unless the gateway stands still. */
const CONNECTIONS = 512;

/**
 * @typedef {object} OpenLoopOptions
 * @property {string} url where to buy
 * @property {string} saleId
 * @property {string} productId
 * @property {number} amount of purchases, each another shopper's with another key, made of the seed
 * @property {number} perSecond on average
 * @property {string} seed letters and digits, at most 20; used once. The same one asks at the same times
 * @property {number} [connections]
 *
 * What became of the purchases.
 *
 * @typedef {object} OpenLoopResult
 * @property {number} asked
 * @property {number} accepted with status 202, replays included
 * @property {number} replayed
 * @property {Record<string, number>} others by status, 0 where there was no answer
 * @property {number} seconds until the last one's time
 * @property {Float64Array} latenciesMs of those accepted, from the intended time to the last byte of the answer
 * @property {Float64Array} lateMs how much later than intended each was sent
 * @property {number} cpuSeconds of the generator itself
 */

/**
 * Buys at times that do not depend on the answers: a Poisson process, as shoppers come who know nothing of each other.
 * Where one has to wait for a timer or for a free connection, the wait counts. In a process of its own, so that nothing
 * else delays it.
 *
 * @param {OpenLoopOptions} options
 * @returns {Promise<{ ended: Promise<OpenLoopResult>, stop: () => void }>} once it has begun; after `stop` nothing more
 *   is sent
 */
export async function startOpenLoop(options) {
  const child = fork(PROGRAM, [], { serialization: 'advanced' });
  child.send({ connections: CONNECTIONS, ...options });
  await nextMessage(child);
  const ended = nextMessage(child);
  // Whoever waits for it hears of it; where nobody does, something else has failed before.
  ended.catch(() => {});
  return { ended, stop: () => void (child.connected && child.send('stop')) };
}

/**
 * @param {OpenLoopOptions} options
 * @returns {Promise<OpenLoopResult>}
 * @throws {SetUpError} where one is not accepted, or is a replay: the round is not valid
 */
export async function buyByOpenLoop(options) {
  const { ended } = await startOpenLoop(options);
  const result = await ended;
  const { asked, accepted, replayed, others } = result;
  if (accepted !== options.amount || replayed > 0) {
    throw new SetUpError(
      `not valid: of ${options.amount} purchases ${asked} were sent and ${accepted} accepted, ${replayed} of them as ` +
        `replays; the others by status: ${JSON.stringify(others)}`,
    );
  }
  return result;
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<any>} */
function nextMessage(child) {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new SetUpError('the open loop has ended early')));
  });
}
