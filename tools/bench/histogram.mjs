/**
 * What a Prometheus histogram counted; `buckets` holds how many were at most so many seconds.
 *
 * @typedef {{ count: number, sumSeconds: number, buckets: Map<number, number> }} Histogram
 */

/**
 * @param {string} metrics in Prometheus' text format
 * @param {string} name
 * @param {string} [label] such as `outcome="accepted"`; without it of a histogram that has no labels of its own
 * @returns {Histogram} empty where nothing was observed yet
 */
export function histogramOf(metrics, name, label = '') {
  const lines = metrics.split('\n').filter((line) => line.startsWith(`${name}_`) && line.includes(label));
  /** @type {Histogram} */
  const histogram = { count: 0, sumSeconds: 0, buckets: new Map() };
  for (const line of lines) {
    const value = Number(line.slice(line.lastIndexOf(' ') + 1));
    const upTo = /[{,]le="([^"]+)"/.exec(line)?.[1];
    if (upTo !== undefined) histogram.buckets.set(upTo === '+Inf' ? Infinity : Number(upTo), value);
    else if (line.startsWith(`${name}_count`)) histogram.count = value;
    else if (line.startsWith(`${name}_sum`)) histogram.sumSeconds = value;
  }
  return histogram;
}

/**
 * What came in between two readings.
 *
 * @param {Histogram} before
 * @param {Histogram} after
 * @returns {Histogram}
 */
export function between(before, after) {
  return {
    count: after.count - before.count,
    sumSeconds: after.sumSeconds - before.sumSeconds,
    buckets: new Map(
      [...after.buckets]
        .sort(([a], [b]) => a - b)
        .map(([upTo, count]) => [upTo, count - (before.buckets.get(upTo) ?? 0)]),
    ),
  };
}

/**
 * A percentile as good as the buckets are: within one, values are taken to lie evenly.
 *
 * @param {Histogram} histogram
 * @param {number} share 0.99 for the 99th percentile
 * @returns {number} in seconds; infinite in the last bucket
 */
export function quantileOf({ count, buckets }, share) {
  const rank = count * share;
  let [from, below] = [0, 0];
  for (const [upTo, atMost] of buckets) {
    if (atMost >= rank && atMost > below) {
      return upTo === Infinity ? Infinity : from + ((upTo - from) * (rank - below)) / (atMost - below);
    }
    [from, below] = [upTo, atMost];
  }
  return Number.NaN;
}

/** @param {Histogram} histogram @returns {number | undefined} the bound of the bucket of the largest value, in seconds */
export function longestOf({ count, buckets }) {
  return count === 0 ? undefined : [...buckets].find(([, atMost]) => atMost === count)?.[0];
}
