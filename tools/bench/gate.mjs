import { SetUpError } from '../stack/run.mjs';
import { GateDriver } from './gate/gate-driver.mjs';
import { outcomesOf } from './gate/outcomes.mjs';

const BATCHES = [1, 8, 32, 64];
/** A part alternates so often with the two-line script. */
const TURNS = 4;
const FULL = {
  decisions: 2_048,
  /** Whose memory is counted: few enough that the tables of the hashes are neither full nor just grown. */
  buyers: 50_000,
  /** Filled anew in each round, since what is measured would make them larger. */
  smallSales: [1_000, 10_000],
  /** Filled once. */
  largeSales: [100_000, 1_000_000],
};
const SMOKE = { decisions: 64, buyers: 1_000, smallSales: [100], largeSales: [1_000] };
/** A sale of 1,000 buyers is measured in several of its kind, or it would be one of 3,000 in the end. */
const SALE_GROWS_AT_MOST = 0.5;
const SALE_BATCH = 32;
const LONE_CALL_BUYERS = 1_000;

/**
 * What a decision costs Redis, by outcome, by batch and by the size of the sale, against a script that reads a counter
 * and takes one off; and what a buyer takes of its memory. Times are those of `INFO commandstats` for the scripts;
 * `process` is the CPU of the server's main thread, which also reads, writes and waits for the disk.
 *
 * @param {{ smoke?: boolean }} options
 * @returns {import('./bench.mjs').Bench}
 *
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {import('./result.mjs').Measured} Measured
 * @typedef {typeof FULL} Sizes
 * @typedef {{ driver: GateDriver, sizes: Sizes, log: (line: string) => void }} Run
 */
export function gate({ smoke = false }) {
  const sizes = smoke ? SMOKE : FULL;
  /** @type {GateDriver} */
  let driver;
  /** @type {{ buyers: number, item: import('./gate/gate-driver.mjs').Item }[]} */
  let largeSales = [];
  let rewriteAt = '';
  return {
    name: 'gate',
    rounds: 5,
    bars: [
      { metric: 'accepted, batch of 1 / GET+DECR', atMost: 6 },
      { metric: 'accepted, batch of 32 / GET+DECR', atMost: 2 },
      { metric: 'bytes of a buyer, settled', atMost: 300 },
      { metric: 'bytes of a refused shopper', atMost: 0 },
    ],
    prepare: async (system, log) => {
      // Their own scripts would be counted too.
      for (const app of ['gateway', 'relay', 'orders', 'admin']) await system.stopApp(app);
      [, rewriteAt = ''] = /** @type {string[]} */ (
        await system.redis.config('GET', 'auto-aof-rewrite-percentage')
      );
      // A rewrite of the file would fork the server in the middle of a part.
      await system.redis.config('SET', 'auto-aof-rewrite-percentage', '0');
      driver = new GateDriver({ redisUrl: system.redisUrl, redis: system.redis });
      await driver.start();
      for (const buyers of sizes.largeSales) {
        log(`  fills a sale of ${buyers} buyers`);
        largeSales.push({ buyers, item: await filledSale(driver, buyers, log) });
      }
    },
    round: async (_system, log) => {
      const run = { driver, sizes, log };
      return [
        ...(await memoryRows(run)),
        ...(await outcomeRows(run)),
        ...(await loneCallRows(run)),
        ...(await smallSaleRows(run)),
        ...(await largeSaleRows(run, largeSales)),
      ];
    },
    finish: async (system) => {
      for (const { item } of largeSales) await driver.remove(item);
      largeSales = [];
      await driver.stop();
      await system.redis.config('SET', 'auto-aof-rewrite-percentage', rewriteAt);
      for (const app of /** @type {const} */ (['admin', 'gateway', 'relay', 'orders']))
        await system.startApp(app);
    },
  };
}

/** @param {Run} run @returns {Promise<Measured[]>} */
async function memoryRows({ driver, sizes: { buyers }, log }) {
  log(`  memory of ${buyers} buyers, and of as many who come too late`);
  const item = driver.newItem();
  await driver.open(item, { stock: buyers });
  const purchases = driver.purchases(item, buyers);
  const before = await driver.bytesInUse();
  await driver.decide(purchases, { batch: 64, expected: 'accepted' });
  const unsettled = (await driver.bytesInUse()) - before;
  await driver.settle(item, buyers);
  const settled = (await driver.bytesInUse()) - before;
  const keysBefore = await driver.bytesOfKeys(item);
  await driver.decide(driver.purchases(item, buyers), { batch: 64, expected: 'soldOut' });
  const refused = (await driver.bytesOfKeys(item)) - keysBefore;
  await driver.remove(item);
  return [
    { metric: 'bytes of a buyer, unsettled', unit: 'bytes', value: unsettled / buyers },
    { metric: 'bytes of a buyer, settled', unit: 'bytes', value: settled / buyers },
    { metric: 'bytes of a refused shopper', unit: 'bytes', value: refused / buyers },
  ];
}

/** @param {Run} run @returns {Promise<Measured[]>} */
async function outcomeRows({ driver, sizes: { decisions }, log }) {
  const rows = [];
  for (const batch of BATCHES) {
    log(`  decisions in batches of ${batch}`);
    for await (const { name, expected, purchases } of outcomesOf(driver, decisions)) {
      const { decision, baseline } = await driver.compare(purchases, { batch, expected, turns: TURNS });
      const metric = `${name}, batch of ${batch}`;
      rows.push(ratio(metric, decision.usec, baseline.usec));
      if (expected !== 'accepted') continue;
      rows.push(
        ratio(`${metric}, process`, decision.cpuUsec, baseline.cpuUsec),
        { metric, unit: 'us', value: decision.usec },
        { metric: `${metric}, process`, unit: 'us', value: decision.cpuUsec },
      );
      if (metric === 'accepted, batch of 1')
        rows.push({ metric: 'GET+DECR', unit: 'us', value: baseline.usec });
    }
  }
  return rows;
}

/**
 * A batch of 1 is what an idle system makes, and there no other call is under way: both scripts find the server's
 * caches cold.
 *
 * @param {Run} run
 * @returns {Promise<Measured[]>}
 */
async function loneCallRows({ driver, sizes: { decisions }, log }) {
  log('  one call at a time');
  const item = await filledSale(driver, LONE_CALL_BUYERS, log);
  const options = { batch: 1, expected: 'accepted', turns: TURNS, callsUnderWay: 1 };
  const { decision, baseline } = await driver.compare(driver.purchases(item, decisions), options);
  await driver.remove(item);
  return [ratio('accepted, one call at a time', decision.usec, baseline.usec)];
}

/** @param {Run} run @returns {Promise<Measured[]>} */
async function smallSaleRows({ driver, sizes: { decisions, smallSales }, log }) {
  const rows = [];
  for (const buyers of smallSales) {
    const sales = Math.max(1, Math.ceil(decisions / (buyers * SALE_GROWS_AT_MOST)));
    log(`  sales of ${buyers} buyers`);
    const items = [];
    for (let sale = 0; sale < sales; sale++) items.push(await filledSale(driver, buyers, log));
    rows.push(await saleRow({ driver, items, buyers, decisions }));
    for (const item of items) await driver.remove(item);
  }
  return rows;
}

/** @param {Run} run @param {{ buyers: number, item: Item }[]} sales @returns {Promise<Measured[]>} */
async function largeSaleRows({ driver, sizes: { decisions }, log }, sales) {
  const rows = [];
  for (const { buyers, item } of sales) {
    log(`  a sale of ${buyers} buyers`);
    rows.push(await saleRow({ driver, items: [item], buyers, decisions }));
  }
  return rows;
}

/**
 * @param {{ driver: GateDriver, items: Item[], buyers: number, decisions: number }} options
 * @returns {Promise<Measured>}
 *
 * @typedef {import('./gate/gate-driver.mjs').Item} Item
 */
async function saleRow({ driver, items, buyers, decisions }) {
  const each = Math.ceil(decisions / items.length / SALE_BATCH) * SALE_BATCH;
  const options = { batch: SALE_BATCH, expected: 'accepted', turns: items.length > 1 ? 1 : TURNS };
  let [decided, baseline] = [0, 0];
  for (const item of items) {
    const cost = await driver.compare(driver.purchases(item, each), options);
    decided += cost.decision.usec;
    baseline += cost.baseline.usec;
  }
  return ratio(`accepted, batch of ${SALE_BATCH}, sale of ${buyers} buyers`, decided, baseline);
}

/** @param {GateDriver} driver @param {number} buyers @param {(line: string) => void} log */
async function filledSale(driver, buyers, log) {
  const item = driver.newItem();
  // More than will ever be asked for.
  await driver.open(item, { stock: 10 * buyers + 1_000_000 });
  await driver.fill(item, buyers, { log });
  return item;
}

/** @param {string} metric @param {number} ours @param {number} theirs @returns {Measured} */
function ratio(metric, ours, theirs) {
  if (!(ours > 0 && theirs > 0)) throw new SetUpError(`not valid: nothing was counted for ${metric}`);
  return { metric: `${metric} / GET+DECR`, unit: '', value: ours / theirs };
}
