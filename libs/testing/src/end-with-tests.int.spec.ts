import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitUntil } from './wait-until';

/** Starts three processes as tests do, ends the second, says who they are, and works on for ever. */
const TESTS = `{
  const { once } = require('node:events');
  const { spawn } = require('node:child_process');
  const start = () => {
    const child = spawn('sleep', ['600']);
    exports.endWithTests(child);
    return child;
  };
  const children = [start(), start(), start()];
  children[1].kill();
  once(children[1], 'exit').then(() => console.log(children.map(({ pid }) => pid).join(' ')));
  setInterval(() => undefined, 1_000);
}
`;

function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, 'latin1'));
}

it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'what tests have started ends with them, though they end by %s',
  async (signal) => {
    const { code } = transformFileSync(join(__dirname, 'end-with-tests.ts'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      swcrc: false,
    });
    const tests = spawn(process.execPath, ['-e', `${code}${TESTS}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(tests.stdout), 'line')) as [string];
    const pids = line.split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, false, true]);

    tests.kill(signal);
    await waitUntil('none is left', () => !pids.some(isAlive));
  },
);
