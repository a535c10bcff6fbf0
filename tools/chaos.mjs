// npm run chaos: seeded runs with faults, one after the other, on servers of their own. See docs/testing.md.
import { spawn } from 'node:child_process';

import { ensureBuild, ensureDependencies } from './setup.mjs';
import { ROOT } from './stack/layout.mjs';
import { reportFailure } from './stack/run.mjs';

const log = (/** @type {string} */ line) => console.log(line);

try {
  await ensureDependencies({ log });
  await ensureBuild({ log });
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  reportFailure(error);
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} 0: every invariant held; 1: one did not; 2: it could not run
 */
function run(args) {
  const child = spawn(
    process.execPath,
    ['--require', './tools/ts-hook.cjs', 'test/invariants/chaos.ts', ...args],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } },
  );
  // Ctrl-C in a terminal reaches it, too: it takes its servers away and says how it ended.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 2));
  });
}
