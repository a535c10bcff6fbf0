// What `npm run audit`, `forget`, `rebuild` and `replay` share: a command of the admin app over the servers that
// the environment names, else over the running system of this clone.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { VARIABLES } from './stack/given.mjs';
import { ROOT } from './stack/layout.mjs';
import { SetUpError } from './stack/run.mjs';
import { readEnvironment } from './start/environment.mjs';

/**
 * @param {'audit' | 'forget' | 'rebuild' | 'replay'} name
 * @param {string[]} args as the entry point takes them
 * @param {{ stdout?: 'inherit' | 'pipe' }} [options]
 * @returns {Promise<{ status: number, stdout: string }>} 2 where it could not run; the rest is the command's
 * @throws {SetUpError}
 */
export function adminCommand(name, args, { stdout = 'inherit' } = {}) {
  const entry = join(ROOT, 'dist', 'apps', 'admin', 'src', `${name}.js`);
  if (!existsSync(entry))
    throw new SetUpError(`npm run ${name} is not built yet: build it with npm run build`);
  const env = commandEnvironment();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], {
      env,
      stdio: ['ignore', stdout, 'inherit'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? 2, stdout: output }));
  });
}

/**
 * Runs a command as this process: its exit status becomes the process's.
 * @param {() => Promise<{ status: number }>} run
 */
export async function runAsProcess(run) {
  try {
    process.exitCode = (await run()).status;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}

/** @returns {NodeJS.ProcessEnv} */
function commandEnvironment() {
  const given = Object.values(VARIABLES).some((variable) => process.env[variable]);
  if (given) return process.env;
  const running = readEnvironment();
  if (running) return { ...running, ...process.env };
  throw new SetUpError(
    `Flux-Gate is not running here: start it with npm start, or name its servers with ${Object.values(VARIABLES).join(', ')}`,
  );
}
