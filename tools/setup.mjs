import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './stack/layout.mjs';
import { withLock } from './stack/lock.mjs';
import { SetUpError, run } from './stack/run.mjs';

/** @typedef {(line: string) => void} Log */

// What the libraries load with require() from ES modules came to each line with this version.
const OLDEST_BY_MAJOR = new Map([
  [20, 19],
  [22, 12],
]);

const SOURCES = [
  ...['apps', 'libs', 'tools/build-lua', 'tools/build-page'],
  ...['.swcrc', 'nest-cli.json', 'package.json', 'package-lock.json', 'tsconfig.json'],
];

// Made by the build itself.
const GENERATED = /\.generated\.ts$/;

/**
 * @param {string} [version] such as 20.19.0
 * @throws {SetUpError} for a Node that cannot run this project
 */
export function refuseOldNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const oldest = OLDEST_BY_MAJOR.get(major);
  const fits = oldest === undefined ? major >= 24 && major % 2 === 0 : minor >= oldest;
  if (fits) return;
  throw new SetUpError(
    `Node ${version} cannot run Flux-Gate: use Node 20.19 or newer of 20, 22.12 or newer of 22, or 24`,
  );
}

/**
 * Runs `npm ci` when node_modules is missing or was made from another lock file, by another Node or on another platform.
 *
 * @param {{ log?: Log, root?: string }} [options]
 * @throws {SetUpError} with the last lines of npm's output
 */
export async function ensureDependencies({ log = console.log, root = ROOT } = {}) {
  refuseOldNode();
  await withLock({ file: lockFile(root), what: 'set-up', log }, async () => {
    const stamp = join(root, 'node_modules', '.flux-setup');
    const wanted = dependenciesStamp(root);
    if (readStamp(stamp) === wanted) return;
    const why = existsSync(join(root, 'node_modules')) ? 'they are out of date' : 'there are none yet';
    log(`installing dependencies with npm ci: ${why} (about a minute)`);
    await run('npm', ['ci', '--include=dev', '--no-progress'], { cwd: root, what: 'npm ci' });
    writeFileSync(stamp, wanted);
  });
}

/**
 * Runs `npm run build` when `dist` is missing or was built from other sources.
 *
 * @param {{ log?: Log, root?: string }} [options]
 * @throws {SetUpError} with the last lines of the build's output
 */
export async function ensureBuild({ log = console.log, root = ROOT } = {}) {
  await withLock({ file: lockFile(root), what: 'set-up', log }, async () => {
    const stamp = join(root, 'dist', '.flux-build');
    // Taken before the build: what is edited meanwhile is built at the next start.
    const wanted = sourcesHash(root);
    if (readStamp(stamp) === wanted) return;
    log('building (about half a minute)');
    // What a source that is gone left there would be found by those that load whole folders, such as migrations.
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    await run('npm', ['run', '--silent', 'build'], { cwd: root, what: 'npm run build' });
    writeFileSync(stamp, wanted);
  });
}

/** @param {string} root */
function lockFile(root) {
  return join(root, '.stack', 'setup.lock');
}

/** @param {string} root */
function dependenciesStamp(root) {
  const lock = join(root, 'package-lock.json');
  if (!existsSync(lock)) throw new SetUpError(`${lock} is missing: this is not a complete clone`);
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  return `${hash} node ${process.versions.node} ${process.platform} ${process.arch}\n`;
}

/** @param {string} stamp */
function readStamp(stamp) {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
}

/**
 * @param {string} root
 * @returns {string} a hash over names and contents of all that the build reads
 */
export function sourcesHash(root) {
  const hash = createHash('sha256').update(`node ${process.versions.node}\n`);
  for (const file of SOURCES.flatMap((source) => filesBelow(join(root, source)))) {
    const content = readFileSync(file);
    hash.update(`${file.slice(root.length)}\0${content.length}\0`).update(content);
  }
  return `${hash.digest('hex')}\n`;
}

/**
 * @param {string} path
 * @returns {string[]} in an order that does not depend on the file system
 */
function filesBelow(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isDirectory())
    return readdirSync(path)
      .sort()
      .flatMap((name) => filesBelow(join(path, name)));
  return GENERATED.test(path) ? [] : [path];
}
