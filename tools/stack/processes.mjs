import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';

import { SetUpError, pause } from './run.mjs';

const LARGE_LOG_BYTES = 50_000_000;

/**
 * What a process of ours looks like: a pid alone says nothing, for the system gives it away again.
 *
 * @typedef {{ program: string, argument: string }} Identity
 *   `program` is the file name it runs, `argument` one of its arguments, which holds our folder
 */

/**
 * @param {number} pid
 * @returns {{ argv: string[], startedAt: string } | undefined} nothing for a process that has ended, zombies too
 */
export function readProcess(pid) {
  try {
    if (process.platform !== 'linux') return readProcessByPs(pid);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may itself hold spaces and parentheses; the fields after it may not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return { argv, startedAt: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function readProcessByPs(pid) {
  const ps = (/** @type {string} */ field) =>
    execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  return { argv: ps('command').split(' '), startedAt: ps('lstart') };
}

/**
 * @param {number} pid
 * @param {Identity} identity
 */
function isOurs(pid, { program, argument }) {
  const argv = readProcess(pid)?.argv;
  return argv !== undefined && basename(argv[0] ?? '') === program && argv.includes(argument);
}

/**
 * The pid of our running process. The pid file is asked first; a start that was cut before it was written is found
 * by the arguments of all processes (Linux only), because a second server on the same data would destroy it.
 *
 * @param {Identity} identity
 * @param {string} pidFile
 * @returns {number | undefined}
 */
export function findProcess(identity, pidFile) {
  const noted = readPid(pidFile);
  if (noted && isOurs(noted, identity)) return noted;
  return allPids().find((pid) => isOurs(pid, identity));
}

/** @param {string} pidFile */
function readPid(pidFile) {
  try {
    return Number.parseInt(readFileSync(pidFile, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts a process in a group of its own, so that a Ctrl-C in the terminal does not reach it and it outlives us.
 *
 * @param {{ file: string, args: string[], logFile: string, pidFile: string, cwd?: string, env?: NodeJS.ProcessEnv,
 *   niceness?: number }} options `niceness`: how far it gives way to others where there are too few cores for all
 * @returns {Promise<{ child: import('node:child_process').ChildProcess, logFrom: number }>} `logFrom`: where its lines begin
 * @throws {SetUpError}
 */
export function startDetached({ file, args, logFile, pidFile, cwd = '/', env = process.env, niceness = 0 }) {
  const logFrom = makeRoom(logFile);
  const log = openSync(logFile, 'a');
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new SetUpError(`cannot run ${file}: ${error.message}`)));
    child.once('spawn', () => {
      giveWay(child.pid ?? 0, niceness);
      writeFileSync(pidFile, `${child.pid}\n`);
      child.unref();
      resolve({ child, logFrom });
    });
  });
}

/**
 * @param {number} pid
 * @param {number} niceness
 */
function giveWay(pid, niceness) {
  try {
    if (niceness > 0) setPriority(pid, niceness);
  } catch {
    // It has ended already, or the system does not allow it: all run alike then.
  }
}

/**
 * @param {string} logFile
 * @returns {number} size of the log, once one that has grown large is put aside
 */
function makeRoom(logFile) {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < LARGE_LOG_BYTES) return size;
  renameSync(logFile, `${logFile}.old`);
  return 0;
}

/**
 * Asks our process to end and waits; kills it when it does not.
 *
 * @param {{ identity: Identity, pidFile: string, signal: NodeJS.Signals, patienceMs: number }} options
 * @returns {Promise<'not running' | 'stopped' | 'killed'>}
 */
export async function stopProcess({ identity, pidFile, signal, patienceMs }) {
  const pid = findProcess(identity, pidFile);
  if (!pid) {
    rmSync(pidFile, { force: true });
    return 'not running';
  }
  sendSignal(pid, signal);
  const ended = await waitForEnd(pid, identity, patienceMs);
  if (!ended) {
    sendSignal(pid, 'SIGKILL');
    await waitForEnd(pid, identity, 5_000);
  }
  rmSync(pidFile, { force: true });
  return ended ? 'stopped' : 'killed';
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It may have ended since it was found.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * @param {string} folder
 * @returns {number[]} pids of the processes that work in a folder (Linux only)
 */
export function processesIn(folder) {
  return allPids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder && readProcess(pid) !== undefined;
    } catch {
      return false;
    }
  });
}

/** @returns {number[]} nothing where there is no /proc */
function allPids() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

/**
 * @param {number} pid
 * @param {Identity} identity
 * @param {number} patienceMs
 */
async function waitForEnd(pid, identity, patienceMs) {
  const deadline = Date.now() + patienceMs;
  while (isOurs(pid, identity)) {
    if (Date.now() > deadline) return false;
    await pause(25);
  }
  return true;
}
