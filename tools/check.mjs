// One command checks everything that needs no server: format, lint with types, layers, generated files, unit.
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { ensureDependencies } from './setup.mjs';
import { runInGroups } from './jest-run.mjs';

const LINT = ['lint', 'eslint', ['.']];
const OTHERS = [
  ['generated', process.execPath, ['tools/build-lua/build-lua.mjs', '--check']],
  ['asyncapi', process.execPath, ['tools/build-asyncapi/build-asyncapi.mjs', '--check']],
  ['types', 'tsc', ['--noEmit', '-p', 'tsconfig.json']],
  ['types of the page', 'tsc', ['--noEmit', '-p', 'apps/web/waiting-room']],
  ['layers', 'depcruise', ['apps', 'libs', 'test', '--config', '.dependency-cruiser.cjs']],
  ['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
];

const UNIT_WORKERS = 2;

/**
 * Runs a command of the project and keeps its output back unless it fails.
 * @param {string} command @param {string[]} args
 * @returns {Promise<boolean>} whether it exited with 0
 */
function succeeds(command, args) {
  return new Promise((resolve) => {
    const path = command.startsWith('/') ? command : `node_modules/.bin/${command}`;
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += String(error)));
    child.on('close', (code) => {
      if (code !== 0) process.stdout.write(output);
      resolve(code === 0);
    });
  });
}

/** @returns {Promise<{ passed: number, failed: number }>} one count for each step, and the unit tests' own */
export async function check() {
  const counts = { passed: 0, failed: 0 };
  const inTurn = async (steps) => {
    for (const [name, command, args] of steps) {
      const startedAt = Date.now();
      const passed = await succeeds(command, args);
      counts[passed ? 'passed' : 'failed'] += 1;
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    }
  };
  // Linting with types takes as long as all the others, and a core.
  const [, unit] = await Promise.all([
    inTurn([LINT]),
    inTurn(OTHERS).then(() => runInGroups('unit', { workers: UNIT_WORKERS })),
  ]);
  return { passed: counts.passed + unit.passed, failed: counts.failed + unit.failed };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureDependencies({ log: console.log });
  const { passed, failed } = await check();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
