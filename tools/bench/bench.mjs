#!/usr/bin/env node
// npm run bench -- NAME: brings a system up of its own, measures, prints a table and writes bench/results/NAME.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { ensureBuild, ensureDependencies } from '../setup.mjs';
import { ROOT } from '../stack/layout.mjs';
import { SetUpError, interrupt, reportFailure } from '../stack/run.mjs';
import { listenForStop } from '../start/signals.mjs';
import { accept } from './accept.mjs';
import { drain } from './drain.mjs';
import { durability } from './durability.mjs';
import { expiry } from './expiry.mjs';
import { gate } from './gate.mjs';
import { latency } from './latency.mjs';
import { line } from './line.mjs';
import { ensureWrk } from './load/wrk.mjs';
import { price } from './price.mjs';
import { refuse } from './refuse.mjs';
import { describeMachine, printTable, readCommit, summaryOf } from './result.mjs';
import { scale } from './scale.mjs';
import { shields } from './shields.mjs';
import { spike } from './spike.mjs';
import { sustained } from './sustained.mjs';
import { BenchSystem } from './system.mjs';

/**
 * What one benchmark measures. Each begins with gateway, relay, orders and admin running and leaves them so. What is
 * not valid throws: then nothing counts.
 *
 * @typedef {object} Bench
 * @property {string} name
 * @property {number} rounds
 * @property {readonly import('./result.mjs').Bar[]} bars
 * @property {(system: BenchSystem, log: Log) => Promise<void>} [prepare] once, before the first round
 * @property {(system: BenchSystem, log: Log, round: number) => Promise<import('./result.mjs').Measured[]>} round
 *   counted from 1; what is compared is measured in it, in turns
 * @property {(system: BenchSystem) => Promise<void>} [finish] once, after the last round
 *
 * @typedef {(line: string) => void} Log
 * @typedef {{ smoke: boolean, orders?: number, against?: string }} BenchOptions `smoke`: everything once and tiny, in a few
 *   seconds; `against`: a commit to compare with, for those that can
 */

/** @type {Record<string, (options: BenchOptions) => Bench>} */
const BENCHES = {
  accept,
  sustained,
  drain,
  refuse,
  shields,
  spike,
  line,
  latency,
  gate,
  scale,
  expiry,
  price,
  durability,
};

const NAMES = Object.keys(BENCHES);
const USAGE = `usage: npm run bench -- [${NAMES.join('|')}] [--rounds N] [--orders N] [--results FOLDER] [--against COMMIT] [--smoke]
Without a name all are run. --smoke runs a tiny round, to see that they work: its figures say nothing. --against is for price.`;

const log = (/** @type {string} */ line) => console.log(line);

async function main() {
  const { names, smoke, rounds, orders, results, against } = readArguments();
  await ensureDependencies({ log });
  await ensureBuild({ log });
  await ensureWrk(log);
  // Each but a smoke run begins with empty servers, whatever ran before it.
  const groups = smoke ? [names] : names.map((name) => [name]);
  let system = new BenchSystem({ log });
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
  for (const group of groups) {
    system = new BenchSystem({ log });
    try {
      await system.start();
      for (const name of group) {
        const bench = /** @type {any} */ (BENCHES[name])({
          smoke,
          ...(orders === undefined ? {} : { orders }),
          ...(against === undefined ? {} : { against }),
        });
        await measure({ bench, rounds: rounds ?? (smoke ? 1 : bench.rounds), smoke, results, system });
      }
    } finally {
      await system.stop();
    }
  }
}

/** @param {{ bench: Bench, rounds: number, smoke: boolean, results: string, system: BenchSystem }} options */
async function measure({ bench, rounds, smoke, results, system }) {
  await bench.prepare?.(system, log);
  const measured = [];
  for (let round = 1; round <= rounds; round++) {
    log(`${bench.name}: round ${round} of ${rounds}`);
    measured.push(await bench.round(system, log, round));
  }
  await bench.finish?.(system);
  const result = {
    name: bench.name,
    commit: readCommit(ROOT),
    machine: describeMachine(),
    rounds,
    ...summaryOf(measured, smoke ? [] : bench.bars),
  };
  printTable(result, log);
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${bench.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        orders: { type: 'string' },
        results: { type: 'string', default: join(ROOT, 'bench', 'results') },
        against: { type: 'string' },
        smoke: { type: 'boolean', default: false },
      },
    });
    if (positionals.every((name) => Object.hasOwn(BENCHES, name))) {
      const { smoke, results, against } = values;
      const names = positionals.length === 0 ? NAMES : positionals;
      const [rounds, orders] = [positive(values.rounds), positive(values.orders)];
      return { names, smoke, results: resolve(results), rounds, orders, against };
    }
  } catch (error) {
    if (error instanceof SetUpError) throw error;
    // An unknown option is answered like an unknown benchmark.
  }
  throw new SetUpError(USAGE);
}

/** @param {string | undefined} text */
function positive(text) {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new SetUpError(USAGE);
  return number;
}

await main().catch(reportFailure);
