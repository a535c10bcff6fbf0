import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { run } from './run.mjs';

const OLDEST_REDIS = 7;
const OLDEST_POSTGRES = 14;
const OLDEST_JAVA = 17;

const DEBIAN_POSTGRES = '/usr/lib/postgresql';
const DEBIAN_JAVA = '/usr/lib/jvm';

/**
 * @param {string} name
 * @param {string[]} [folders]
 * @returns {string[]} every executable file of that name
 */
function findAll(name, folders = (process.env.PATH ?? '').split(delimiter)) {
  return folders.map((folder) => join(folder, name)).filter(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} folder */
function subfolders(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {RegExp} pattern its first group is the major version
 */
async function majorVersion(file, args, pattern) {
  const { stdout, stderr } = await run(file, args, { timeoutMs: 15_000 }).catch(() => ({
    stdout: '',
    stderr: '',
  }));
  return Number(pattern.exec(stdout + stderr)?.[1] ?? 0);
}

/**
 * The first file that is new enough.
 *
 * @param {string[]} files
 * @param {{ args: string[], pattern: RegExp, oldest: number }} version
 */
async function newEnough(files, { args, pattern, oldest }) {
  for (const file of files) {
    if ((await majorVersion(file, args, pattern)) >= oldest) return file;
  }
  return undefined;
}

/** @returns {Promise<string | undefined>} path of redis-server 7 or newer */
export function findRedis() {
  return newEnough(findAll('redis-server'), {
    args: ['--version'],
    pattern: /v=(\d+)/,
    oldest: OLDEST_REDIS,
  });
}

/** @returns {Promise<string | undefined>} path of java 17 or newer */
export function findJava() {
  const homes = subfolders(DEBIAN_JAVA).map((name) => join(DEBIAN_JAVA, name, 'bin'));
  const own = process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : [];
  const files = [...findAll('java', own), ...findAll('java'), ...findAll('java', homes)];
  return newEnough(files, { args: ['-version'], pattern: /version "(\d+)/, oldest: OLDEST_JAVA });
}

/** @returns {string | undefined} */
export function findMaven() {
  return findAll('mvn')[0];
}

/** @returns {string | undefined} */
export function findWrk() {
  return findAll('wrk')[0];
}

const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** @returns {string | undefined} path of Chromium or Chrome */
export function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return [...names.flatMap((name) => findAll(name)), MAC_CHROME].find(isExecutable);
}

/**
 * @param {string | undefined} major the version that made the data, which no other can read
 * @returns {Promise<string | undefined>} folder with postgres, initdb and psql of one version
 */
export async function findPostgres(major) {
  const debian = subfolders(DEBIAN_POSTGRES)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_POSTGRES, version, 'bin'));
  const folders = [...debian, ...(process.env.PATH ?? '').split(delimiter)];
  const complete = folders.filter((folder) =>
    ['postgres', 'initdb', 'psql'].every((name) => isExecutable(join(folder, name))),
  );
  for (const folder of complete) {
    const version = await majorVersion(join(folder, 'postgres'), ['--version'], /PostgreSQL\) (\d+)/);
    if (major ? version === Number(major) : version >= OLDEST_POSTGRES) return folder;
  }
  return undefined;
}
