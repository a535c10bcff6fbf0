import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupTests } from './jest-groups.mjs';

/**
 * Runs one Jest project and counts. A skipped test, a file that does not load and a project without tests count
 * as failed: a check that cannot fail is none.
 * @param {'unit' | 'int' | 'e2e' | 'full'} project
 * @param {{ env?: Record<string, string>, args?: string[] }} [options]
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runJest(project, { env = {}, args = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'flux-jest-'));
  const outputFile = join(folder, 'results.json');
  const exitCode = await new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        'node_modules/jest/bin/jest.js',
        '--selectProjects',
        project,
        '--json',
        `--outputFile=${outputFile}`,
        ...args,
      ],
      // With --json the report goes to stdout as well; people read stderr.
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env, NODE_ENV: 'test' } },
    );
    child.on('close', resolve);
  });
  try {
    const results = JSON.parse(readFileSync(outputFile, 'utf8'));
    const passed = results.numPassedTests;
    const failed = results.numFailedTests + results.numPendingTests + results.numRuntimeErrorTestSuites;
    const unexplained = failed === 0 && (exitCode !== 0 || passed === 0) ? 1 : 0;
    return { passed, failed: failed + unexplained };
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a Jest project in groups, where Jest is not told which of its tests to run.
 * @param {'unit' | 'int'} project
 * @param {{ env?: Record<string, string>, args?: string[], workers: number }} options
 */
export async function runInGroups(project, { env = {}, args = [], workers }) {
  if (args.length > 0) return runJest(project, { env, args: [`--maxWorkers=${workers}`, ...args] });
  const { remove } = groupTests(project);
  try {
    const sequence = ['--testSequencer=./tools/jest-sequencer.cjs', '--testPathPatterns=test/grouped/'];
    return await runJest(project, { env, args: [`--maxWorkers=${workers}`, ...sequence] });
  } finally {
    remove();
  }
}
