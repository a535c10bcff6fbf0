import { createHash } from 'node:crypto';

/**
 * Times of a Poisson process: the gaps are exponential, and the last one ends at `amount / perSecond`, so that a round
 * has exactly this rate.
 *
 * @param {{ amount: number, perSecond: number, seed: string }} options the same seed gives the same times
 * @returns {Float64Array} in ms from the beginning, in order
 */
export function arrivalTimes({ amount, perSecond, seed }) {
  const random = randomOf(createHash('sha256').update(seed).digest().readUInt32LE());
  const times = new Float64Array(amount);
  let at = 0;
  for (let index = 0; index < amount; index++) times[index] = at -= Math.log(1 - random());
  const scale = (amount * 1_000) / perSecond / at;
  return times.map((time) => time * scale);
}

/**
 * mulberry32: 32 bits of state are plenty for the times of one round.
 *
 * @param {number} state
 * @returns {() => number} from 0 to below 1
 */
function randomOf(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
