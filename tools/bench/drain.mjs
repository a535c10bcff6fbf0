import { fileURLToPath } from 'node:url';

import { SetUpError, run } from '../stack/run.mjs';
import { NODE_ARGS } from '../start/apps.mjs';
import { buyByWrk } from './load/wrk.mjs';

const ORDERS = 300_000;
const RIVAL = fileURLToPath(new URL('rivals/inserts.mjs', import.meta.url));
const RIVAL_BATCH = 1_000;
const RIVAL_MS = 120_000;
const MEASURED = ['relay', 'orders', 'redis', 'kafka', 'postgres'];

/**
 * A backlog: so many orders are accepted while relay and orders are stopped, then these start. How many rows a second
 * until all are committed and settled, against bare inserts into a table like theirs on the same PostgreSQL.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function drain({ smoke = false, orders = smoke ? 2_000 : ORDERS }) {
  return {
    name: 'drain',
    rounds: 5,
    bars: [{ metric: 'drain/bare', atLeast: 0.6 }],
    prepare: async (system) => {
      // Kept from round to round: both tables grow alike.
      await system.sql('CREATE TABLE bare_orders (LIKE orders INCLUDING ALL)');
      await system.sql('CREATE TABLE bare_ledger (LIKE ledger INCLUDING ALL)');
    },
    round: (system, log, round) => drainRound({ system, log, round, orders }),
    finish: async (system) => {
      await system.sql('DROP TABLE bare_orders, bare_ledger');
    },
  };
}

/**
 * @param {{ system: BenchSystem, log: import('./bench.mjs').Log, round: number, orders: number }} options
 * @returns {Promise<import('./result.mjs').Measured[]>}
 *
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {import('./system.mjs').Sale} Sale
 */
async function drainRound({ system, log, round, orders }) {
  await system.stopApp('relay');
  await system.stopApp('orders');
  const sale = await system.openSale({ stock: orders });
  log(`  ${orders} purchases`);
  await buyByWrk({
    url: system.urlOf('gateway'),
    ...sale,
    amount: orders,
    seed: `drain${round}`,
    expect: 202,
  });

  const result = { seconds: 0, cpu: /** @type {Record<string, number>} */ ({}), bareSeconds: 0 };
  const turns = [
    async () => Object.assign(result, await drained({ system, log, sale, orders })),
    async () => {
      result.bareSeconds = await bareInserts({ system, log, sale, orders, round });
    },
  ];
  // Whoever is first meets a machine that has rested.
  if (round % 2 === 0) turns.reverse();
  for (const turn of turns) {
    // So that neither writes what the other has left behind.
    await system.sql('CHECKPOINT');
    await turn();
  }

  const { seconds, cpu, bareSeconds } = result;
  const micros = MEASURED.map((name) => ({ name, value: ((cpu[name] ?? 0) * 1e6) / orders }));
  const all = { name: 'all', value: micros.reduce((sum, { value }) => sum + value, 0) };
  return [
    { metric: 'drain/bare', unit: '', value: bareSeconds / seconds },
    { metric: 'drained', unit: 'rows/s', value: orders / seconds },
    { metric: 'bare inserts', unit: 'rows/s', value: orders / bareSeconds },
    ...[...micros, all].map(({ name, value }) => ({ metric: `CPU an order, ${name}`, unit: 'us', value })),
  ];
}

/**
 * The clock runs from the moment at which the relay takes the outbox, before it reads the first entry, while orders
 * waits for its first message, until the last order is committed and the outbox is empty. The start of the processes
 * is not in it; nothing is done before it.
 *
 * @param {{ system: BenchSystem, log: import('./bench.mjs').Log, sale: Sale, orders: number }} options
 */
async function drained({ system, log, sale, orders }) {
  const { saleId, productIds } = sale;
  const item = `{product:${productIds[0]}}:${saleId}`;
  await system.startApp('orders');
  log('  relay and orders drain');
  // What it waits for is the relay's first step, so nothing may come between.
  const relaying = system.startApp('relay');
  await system.until('the relay begins', async () => (await system.redis.exists(`${item}:lease`)) === 1, {
    everyMs: 2,
  });
  const startedAt = performance.now();
  const before = system.cpuSeconds();
  await relaying;
  await system.until('the outbox is empty', async () => (await system.redis.xlen(`${item}:outbox`)) === 0, {
    everyMs: 10,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = system.cpuSeconds();
  // An entry leaves the outbox only after its orders are committed: this checks it.
  const [{ held }] = await system.sql('SELECT held FROM ledger WHERE sale_id = $1', [saleId]);
  if (held !== orders) throw new SetUpError(`not valid: ${orders} were accepted, and ${held} are held`);
  await system.untilDrained(sale, orders);
  const cpu = Object.fromEntries(MEASURED.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
  return { seconds, cpu };
}

/**
 * @param {{ system: BenchSystem, log: import('./bench.mjs').Log, sale: Sale, orders: number, round: number }} options
 * @returns {Promise<number>} seconds
 */
async function bareInserts({ system, log, sale, orders, round }) {
  const { saleId, productIds } = sale;
  const productId = productIds[0] ?? '';
  log('  bare inserts');
  await system.sql('INSERT INTO bare_ledger (sale_id, product_id, initial) VALUES ($1, $2, $3)', [
    saleId,
    productId,
    orders,
  ]);
  const args = [orders, RIVAL_BATCH, saleId, productId, `bare${round}`].map(String);
  const { stdout } = await run(process.execPath, [...NODE_ARGS, RIVAL, ...args], {
    env: { ...process.env, DATABASE_URL: system.databaseUrl },
    timeoutMs: RIVAL_MS,
    what: 'the bare inserts',
  });
  const { seconds } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  const [{ rows }] = await system.sql(
    'SELECT count(*)::integer AS rows FROM bare_orders WHERE sale_id = $1 AND product_id = $2',
    [saleId, productId],
  );
  if (rows !== orders || !(seconds > 0)) throw new SetUpError(`not valid: the rival wrote ${rows} rows`);
  return seconds;
}
