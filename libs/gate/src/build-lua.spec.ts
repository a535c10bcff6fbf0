import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCRIPTS, type LuaScript } from './scripts.generated';

const TOOL = join(__dirname, '../../../tools/build-lua/build-lua.mjs');
const HEADER = '--[[\n  Gets.\n    KEYS[1] a  string\n]]\nlocal a_key = KEYS[1]\n';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flux-lua-'));
  mkdirSync(join(root, 'libs/gate/src/scripts/includes'), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(root, 'libs/gate/src/scripts', `${name}.lua`), text);
}

function run(...args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [TOOL, '--root', root, ...args], { encoding: 'utf8' });
}

function generated(): string {
  return readFileSync(join(root, 'libs/gate/src/scripts.generated.ts'), 'utf8');
}

it('has been run: the scripts in use are those in the folder', () => {
  expect(spawnSync(process.execPath, [TOOL, '--check']).status).toBe(0);
});

it('gives each script its SHA-1 and its number of keys', () => {
  for (const { sha1, text } of Object.values<LuaScript>(SCRIPTS)) {
    expect(createHash('sha1').update(text).digest('hex')).toBe(sha1);
  }
  expect(SCRIPTS.reserve.keys).toBe(7);
});

it('puts includes in their place, once, and leaves comments out', () => {
  write('includes/one', '--- @include "two"\nlocal one = two\n');
  write('includes/two', '-- why\nlocal two = 2\n');
  write('get', `${HEADER}--- @include "one"\n--- @include "two"\nreturn one\n`);
  expect(run().status).toBe(0);
  expect(generated()).toContain(
    JSON.stringify('local a_key = KEYS[1]\nlocal two = 2\nlocal one = two\nreturn one'),
  );
});

it('with --check fails on a difference and changes nothing', () => {
  write('get', `${HEADER}return 1\n`);
  expect(run('--check').status).toBe(1);
  run();
  expect(run('--check').status).toBe(0);
  const before = generated();
  write('get', `${HEADER}return 2\n`);
  const { status, stderr } = run('--check');
  expect(status).toBe(1);
  expect(stderr).toContain('libs/gate/src/scripts.generated.ts');
  expect(generated()).toBe(before);
});

it.each([
  ['no contract', 'return 1\n'],
  ['pcall', `${HEADER}return redis.pcall('GET', a_key)\n`],
  ['different KEYS', `${HEADER.replace('KEYS[1] a', 'KEYS[2] a')}return 1\n`],
  ['below the line', `${HEADER}return redis.call('GET', KEYS[1])\n`],
  ['does not exist', `${HEADER}--- @include "nothing"\n`],
  ['takes KEYS', `${HEADER}--- @include "greedy"\n`],
  ['includes itself', `${HEADER}--- @include "endless"\n`],
])('refuses a script: %s', (what, text) => {
  write('includes/greedy', 'local a = KEYS[1]\n');
  write('includes/endless', '--- @include "endless"\n');
  write('get', text);
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toMatch(what === 'no contract' ? /contract/ : new RegExp(what));
});
