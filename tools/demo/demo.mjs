#!/usr/bin/env node
// npm run demo: a crowd buys in the running system, most pay, some cancel or forget, what comes back is sold again, and
// the checker says whether every order is where it belongs.
import { relative } from 'node:path';
import { parseArgs } from 'node:util';

import { audit } from '../audit.mjs';
import { SetUpError, reportFailure } from '../stack/run.mjs';
import { Buyers } from './buyers.mjs';
import { runCrowd } from './crowd.mjs';
import { crowdAtTheDoor } from './door.mjs';
import { HistoryFile } from './history-file.mjs';
import { Operator } from './operator.mjs';
import { planAttempts } from './plan.mjs';
import { showProgress } from './progress.mjs';
import { keepSaleOpen, openDemoSale } from './sales.mjs';
import { sellWhatComesBack } from './second-wave.mjs';
import { ShopBackend } from './shop-backend.mjs';
import { findSystem, requireGateway } from './system.mjs';
import { formatTable } from './table.mjs';
import { Tally } from './tally.mjs';

const ATTEMPTS = 20_000;
const SHOPPERS = 10_000;
const UNITS = 500;

// Long enough to pay on a busy machine, short enough to watch it run out.
const HOLD_MS = 20_000;

const USAGE = `usage: npm run demo -- [--seed N] [--concurrency N] [--crowd | --first-start | --keep-open]
  --seed N         who tries what, and when (1)
  --concurrency N  attempts under way at a time (128)
  --crowd          ten times as many come as the sale lets in: the waiting room goes on by itself
  --first-start    the burst, and afterwards an item open for your own curl
  --keep-open      only that item`;

const log = (/** @type {string} */ line) => console.log(line);

/** @param {string[]} args */
function parseCommand(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seed: { type: 'string', default: '1' },
        concurrency: { type: 'string', default: '128' },
        crowd: { type: 'boolean', default: false },
        'first-start': { type: 'boolean', default: false },
        'keep-open': { type: 'boolean', default: false },
      },
    });
    const [seed, concurrency] = [values.seed, values.concurrency].map((text) =>
      /^\d{1,9}$/.test(text) ? Number(text) : -1,
    );
    if (seed === -1 || !(Number(concurrency) >= 1 && Number(concurrency) <= 1_000))
      throw new Error('not a number that fits');
    return {
      seed: Number(seed),
      concurrency: Number(concurrency),
      crowd: values.crowd,
      firstStart: values['first-start'],
      keepOpen: values['keep-open'],
    };
  } catch (error) {
    throw new SetUpError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

/**
 * @param {{ system: import('./system.mjs').System, operator: Operator, seed: number, concurrency: number }} options
 * @returns {Promise<boolean>} whether in the end exactly all units are paid and the checker has nothing to object
 */
async function burst({ system, operator, seed, concurrency }) {
  const sale = await openDemoSale(operator, { units: UNITS, holdMs: HOLD_MS, admission: { mode: 'off' } });
  log(
    `sale ${sale.saleId}: ${ATTEMPTS.toLocaleString('en')} attempts by ${SHOPPERS.toLocaleString('en')} shoppers for ${UNITS} units`,
  );
  const history = HistoryFile.ofSale(sale.saleId);
  const tally = new Tally();
  const buyers = new Buyers({ gatewayUrl: system.gatewayUrl, shop: new ShopBackend(system) });

  const stopProgress = showProgress({ tally, attempts: ATTEMPTS });
  await runCrowd({
    gatewayUrls: system.gatewayUrls,
    concurrency,
    attempts: planAttempts({ ...sale, seed, attempts: ATTEMPTS, shoppers: SHOPPERS, units: UNITS }),
    onAnswer: (answer) => {
      const isNew = tally.add(answer);
      history.add(answer);
      if (isNew) buyers.add(answer);
    },
  });
  tally.end();
  stopProgress();
  log(`most buyers pay, some cancel, some forget: their holds run out after ${HOLD_MS / 1_000} s`);

  const secondWave = new Tally();
  const sold = await sellWhatComesBack({
    operator,
    sale,
    units: UNITS,
    gatewayUrls: system.gatewayUrls,
    onAnswer: (answer) => {
      const isNew = secondWave.add(answer);
      history.add(answer);
      if (isNew) buyers.add(answer, 'pay');
    },
  });
  await buyers.done();
  await history.end(sale.saleId);

  log(`\n${formatTable({ tally, buyers, secondWave, sold })}\n`);
  if (sold !== UNITS) log(`expected ${UNITS} units to be paid in the end, found ${sold}\n`);

  log(`history of the clients: ${relative(process.cwd(), history.file)}\n`);
  const { status } = await audit(['--sale', sale.saleId, '--history', history.file]);
  return status === 0 && sold === UNITS;
}

async function main() {
  const { seed, concurrency, crowd, firstStart, keepOpen } = parseCommand(process.argv.slice(2));
  const system = findSystem();
  const operator = new Operator(system);
  let sound = true;
  if (!keepOpen) {
    await requireGateway(system);
    // Whatever becomes of the burst, a newcomer finds something to buy.
    const show = crowd ? crowdAtTheDoor : burst;
    sound = await show({ system, operator, seed, concurrency, log }).catch((error) => {
      reportFailure(error);
      return false;
    });
  }
  if (firstStart || keepOpen) log(`\n${await keepSaleOpen(operator)}`);
  if (!sound) process.exitCode = 1;
}

await main().catch(reportFailure);
