// npm run audit: the checker over the servers that the environment names, else over the running system of this clone.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { VARIABLES } from './stack/given.mjs';
import { ROOT } from './stack/layout.mjs';
import { SetUpError } from './stack/run.mjs';
import { readEnvironment } from './start/environment.mjs';

const ENTRY = join(ROOT, 'dist', 'apps', 'admin', 'src', 'audit.js');

/**
 * @param {string[]} args as the entry point takes them
 * @param {{ stdout?: 'inherit' | 'pipe' }} [options]
 * @returns {Promise<{ status: number, stdout: string }>} 0 proved, 1 refuted, 2 could not run or not at rest
 * @throws {SetUpError}
 */
export function audit(args, { stdout = 'inherit' } = {}) {
  if (!existsSync(ENTRY)) throw new SetUpError('the audit is not built yet: build it with npm run build');
  const env = auditEnvironment();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', ENTRY, ...args], {
      env,
      stdio: ['ignore', stdout, 'inherit'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? 2, stdout: output }));
  });
}

/** @returns {NodeJS.ProcessEnv} */
function auditEnvironment() {
  const given = Object.values(VARIABLES).some((variable) => process.env[variable]);
  if (given) return process.env;
  const running = readEnvironment();
  if (running) return { ...running, ...process.env };
  throw new SetUpError(
    `Flux-Gate is not running here: start it with npm start, or name its servers with ${Object.values(VARIABLES).join(', ')}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = (await audit(process.argv.slice(2))).status;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
