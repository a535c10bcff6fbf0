#!/usr/bin/env node
// npm run fairness: ten thousand simulated shoppers come through the waiting room of a system of its own, with four
// gateways; what became of them is computed from the harness's own record, printed as a table and a picture, and written
// to bench/results/fairness.json and .svg. It ends with 1 where a bar of GUARANTEES.md is missed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { describeMachine, readCommit } from '../bench/result.mjs';
import { BenchSystem } from '../bench/system.mjs';
import { ensureBuild, ensureDependencies } from '../setup.mjs';
import { ROOT } from '../stack/layout.mjs';
import { SetUpError, interrupt, reportFailure } from '../stack/run.mjs';
import { listenForStop } from '../start/signals.mjs';
import { measureCapacity } from './capacity.mjs';
import { listsOf, withoutBar } from './judge.mjs';
import { LineClient } from './line-client.mjs';
import { lobbyRun } from './lobby-run.mjs';
import { FAULTS, faultOf, judgeMainRun, mainRun } from './main-run.mjs';
import { loadMetrics } from './metrics.mjs';
import { drawSvg, drawText } from './picture.mjs';
import { scarceRun } from './scarce-run.mjs';

/**
 * What every run of shoppers needs.
 *
 * @typedef {object} Run
 * @property {BenchSystem} system
 * @property {import('./metrics.mjs').Metrics} metrics
 * @property {number} amount of shoppers
 * @property {string} seed the same one comes at the same times, in the same ways
 * @property {() => readonly string[]} urls addresses of the gateways that run
 * @property {(line: string) => void} log
 */

const GATEWAYS = ['gateway', 'gateway-2', 'gateway-3', 'gateway-4'];
const SHOPPERS = 10_000;
const SCARCE_SHARE = 0.15;

const USAGE = `usage: npm run fairness -- [--fault ${Object.keys(FAULTS).join('|')}] [--shoppers N] [--seed TEXT] [--results FOLDER]
  --fault     in the middle of the run; what it costs is reported, and no bar is asked of it
  --shoppers  of the main run (${SHOPPERS})`;

const log = (/** @type {string} */ line) => console.log(line);

async function main() {
  const { amount, seed, fault, results } = readArguments();
  await ensureDependencies({ log });
  await ensureBuild({ log });
  const metrics = loadMetrics();
  const system = new BenchSystem({ log, name: 'fairness' });
  listenForStop({
    onFirst: () => {
      log('stopping');
      interrupt();
      void system.stop().finally(() => process.exit(130));
    },
    onSecond: () => {
      system.kill();
      process.exit(130);
    },
  });
  try {
    await system.start();
    await Promise.all(GATEWAYS.slice(1).map((as) => system.startApp('gateway', { as })));
    const urls = () => GATEWAYS.filter((as) => system.runs(as)).map((as) => system.urlOf(as));
    const run = { system, metrics, amount, seed, urls, log };
    const capacity = await capacityOf(system, urls());
    log(`capacity: ${Math.round(capacity)} joins and looks a second`);

    const main = await mainRun({
      ...run,
      capacity,
      ...(fault && { fault: () => faultOf(fault)(system, log) }),
    });
    const judged = judgeMainRun(metrics, main, capacity);
    const rows =
      fault === undefined
        ? [
            ...judged,
            ...(await lobbyRun({ ...run, capacity })),
            ...(await scarceRun({ ...run, amount: Math.round(amount * SCARCE_SHARE) })),
          ]
        : judged.map(withoutBar);
    const { sent, admitted } = listsOf(main.visits);
    const name = fault === undefined ? 'fairness' : `fairness-${fault}`;
    const result = {
      name,
      commit: readCommit(ROOT),
      machine: describeMachine(),
      seed,
      shoppers: amount,
      capacity,
      rows,
    };
    print(result);
    log(`\n${drawText(sent, admitted)}`);
    mkdirSync(results, { recursive: true });
    const title = `${amount} shoppers, four gateways: who came when, and was admitted when`;
    writeFileSync(join(results, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(join(results, `${name}.svg`), drawSvg({ title, sent, admitted }));
    log(`\nwritten: ${join(results, name)}.json and .svg`);
    if (rows.some(({ met }) => met === false)) process.exitCode = 1;
  } finally {
    await system.stop();
  }
}

/** @param {BenchSystem} system @param {readonly string[]} urls */
async function capacityOf(system, urls) {
  const admission = { mode: 'on', ratePerSecond: 1, passMs: 10_000 };
  const { saleId } = await system.openSale({ stock: 1, admission });
  const client = new LineClient();
  try {
    return await measureCapacity({ client, urls, saleId });
  } finally {
    client.close();
    await system.operator.must('POST', `/admin/v1/sales/${saleId}/close`);
  }
}

/** @param {{ commit: string, machine: string, rows: readonly import('./judge.mjs').Row[] }} result */
function print({ commit, machine, rows }) {
  log(`\nfairness, commit ${commit}\n${machine}\n`);
  const width = Math.max(...rows.map(({ metric }) => metric.length));
  for (const { metric, value, unit = '', bar, met } of rows) {
    const mark = met === undefined ? '       ' : met ? 'met    ' : 'NOT MET';
    log(
      `${mark}  ${metric.padEnd(width)}  ${shown(value).padStart(10)}  ${[unit, bar && `bar ${bar}`].filter(Boolean).join(', ')}`,
    );
  }
}

/** @param {number} value */
function shown(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(5)));
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        fault: { type: 'string' },
        shoppers: { type: 'string', default: String(SHOPPERS) },
        seed: { type: 'string', default: '1' },
        results: { type: 'string', default: join(ROOT, 'bench', 'results') },
      },
    });
    const amount = Number(values.shoppers);
    const isSound = Number.isSafeInteger(amount) && amount >= 100 && /^[a-z0-9]{1,10}$/.test(values.seed);
    if (isSound) {
      if (values.fault !== undefined) faultOf(values.fault);
      return { amount, seed: values.seed, results: resolve(values.results), fault: values.fault };
    }
  } catch (error) {
    if (error instanceof SetUpError) throw error;
    // An unknown option is answered like a wrong number.
  }
  throw new SetUpError(USAGE);
}

await main().catch(reportFailure);
