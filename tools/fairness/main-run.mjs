import { SetUpError, pause } from '../stack/run.mjs';
import { atMost, firstHalf, judgeClasses, judgeOrder, judgeRate, max, tellCourse } from './judge.mjs';
import { LineClient } from './line-client.mjs';
import { Shoppers, WAYS } from './shoppers.mjs';

/** Of ten thousand, where a seventh more come than go: 17.6 were measured, looks of streams included. Fewer make fewer. */
const REQUESTS_PER_SHOPPER = 18;
/** Of the capacity; the bar is half of it. */
const AIMED_SHARE = 0.45;
const ARRIVALS_PER_ADMISSION = 1.15;
const RATES = { least: 10, most: 250 };
const ADMISSION = { mode: 'on', passMs: 120_000, longestPollMs: 5_000, silentMs: 60_000, graceMs: 120_000 };

/**
 * Ten thousand come after the opening, more than are admitted, and there is a unit for everybody.
 *
 * @param {import('./fairness.mjs').Run & { capacity: number, fault?: () => Promise<void> }} run
 * @typedef {(line: string) => void} Log
 */
export async function mainRun({ system, metrics, amount, seed, urls, log, capacity, fault }) {
  const wanted = Math.floor((capacity * AIMED_SHARE) / REQUESTS_PER_SHOPPER);
  const ratePerSecond = Math.min(RATES.most, Math.max(RATES.least, wanted));
  const perSecond = ratePerSecond * ARRIVALS_PER_ADMISSION;
  const tookSeconds = Math.round(amount / perSecond);
  log(`${amount} shoppers come in ${tookSeconds} s, ${ratePerSecond} a second are admitted`);
  const sale = await system.openSale({ stock: amount, admission: { ...ADMISSION, ratePerSecond } });
  const client = new LineClient();
  const item = { saleId: sale.saleId, productId: sale.productIds[0] };
  const shoppers = new Shoppers({ client, urls, item, passMs: ADMISSION.passMs });
  const planned = metrics.planCrowd({ amount, perSecond, classes: WAYS.length, seed });
  const faulted = fault === undefined ? undefined : pause((amount * 500) / perSecond).then(fault);
  faulted?.catch(() => {});
  try {
    const visits = await Shoppers.come(planned, async (index, dueMs) => {
      const shopper = `shopper-${seed}-${index}`;
      const visit = await shoppers.queue({ shopper, way: WAYS[planned[index].classIndex], dueMs });
      await shoppers.buy(visit);
      return visit;
    });
    await faulted;
    const load = client.load();
    return { visits, ratePerSecond, load };
  } finally {
    client.close();
  }
}

/**
 * @param {import('./metrics.mjs').Metrics} metrics
 * @param {Awaited<ReturnType<typeof mainRun>>} run
 * @param {number} capacity
 * @returns {import('./judge.mjs').Row[]}
 */
export function judgeMainRun(metrics, { visits, ratePerSecond, load }, capacity) {
  const mean = load.reduce((sum, count) => sum + count, 0) / load.length;
  return [
    atMost('load, mean, of the capacity', mean / capacity, 0.5),
    { metric: 'load, busiest second, of the capacity', value: max(load) / capacity },
    ...judgeOrder(metrics, visits),
    judgeRate(metrics, visits, ratePerSecond),
    ...judgeClasses(metrics, 'admitted, of each class', visits, ({ goodFromMs }) => goodFromMs !== undefined),
    ...judgeClasses(metrics, 'in the first half, of each class', visits, firstHalf(visits)),
    atMost('without a turn', visits.filter(({ end }) => end !== 'turn').length, 0, 'shoppers'),
    atMost('with a turn and without a unit', visits.filter(isLeftOut).length, 0, 'shoppers'),
    ...tellCourse(visits),
  ];
}

function isLeftOut(/** @type {import('./shoppers.mjs').Visit} */ { end, orderId }) {
  return end === 'turn' && orderId === undefined;
}

/** @type {Record<string, (system: import('../bench/system.mjs').BenchSystem, log: Log) => Promise<void>>} */
export const FAULTS = {
  'redis-restart': async (system, log) => {
    log('  F1: Redis is killed, and started again');
    await system.restartRedis();
  },
  'redis-pause': async (system, log) => {
    log('  F10: Redis writes nothing for 5 seconds');
    await system.redis.call('CLIENT', 'PAUSE', '5000', 'WRITE');
  },
  'gateway-stop': async (system, log) => {
    log('  F34: one gateway of four is stopped');
    await system.stopApp('gateway-4');
  },
};

export function faultOf(/** @type {string} */ name) {
  const fault = FAULTS[name];
  if (!fault) throw new SetUpError(`there is no fault ${name}: choose of ${Object.keys(FAULTS).join(', ')}`);
  return fault;
}
