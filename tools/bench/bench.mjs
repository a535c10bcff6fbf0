#!/usr/bin/env node
// npm run bench -- NAME: brings a system up of its own, measures, prints a table and writes bench/results/NAME.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ensureBuild, ensureDependencies } from '../setup.mjs';
import { ROOT } from '../stack/layout.mjs';
import { SetUpError, reportFailure } from '../stack/run.mjs';
import { expiry } from './expiry.mjs';
import { BenchSystem } from './system.mjs';
import { describeMachine, printTable, readCommit, summaryOf } from './result.mjs';

/**
 * What one benchmark measures. A round that is not valid throws: it counts for nothing.
 *
 * @typedef {{ name: string, rounds: number,
 *   round: (system: BenchSystem, log: (line: string) => void) => Promise<import('./result.mjs').Measured[]>,
 *   bars: readonly import('./result.mjs').Bar[] }} Bench
 */

/** @type {Record<string, (options: { orders?: number }) => Bench>} */
const BENCHES = { expiry };

const USAGE = `usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--rounds N] [--orders N]`;

async function main() {
  const { bench, rounds } = readArguments();
  const log = (/** @type {string} */ line) => console.log(line);
  await ensureDependencies({ log });
  await ensureBuild({ log });
  const system = new BenchSystem({ log });
  try {
    await system.start();
    const measured = [];
    for (let round = 1; round <= rounds; round++) {
      log(`round ${round} of ${rounds}`);
      measured.push(await bench.round(system, log));
    }
    const result = {
      name: bench.name,
      commit: readCommit(ROOT),
      machine: describeMachine(),
      rounds,
      ...summaryOf(measured, bench.bars),
    };
    printTable(result, log);
    const folder = join(ROOT, 'bench', 'results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${bench.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await system.stop();
  }
}

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string' }, orders: { type: 'string' } },
    });
    const [name = '', ...rest] = positionals;
    const create = Object.hasOwn(BENCHES, name) && rest.length === 0 ? BENCHES[name] : undefined;
    if (create) {
      const orders = values.orders === undefined ? {} : { orders: positive(values.orders) };
      const bench = create(orders);
      return { bench, rounds: values.rounds === undefined ? bench.rounds : positive(values.rounds) };
    }
  } catch (error) {
    if (error instanceof SetUpError) throw error;
    // An unknown option is answered like an unknown benchmark.
  }
  throw new SetUpError(USAGE);
}

/** @param {string} text */
function positive(text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new SetUpError(USAGE);
  return number;
}

await main().catch(reportFailure);
