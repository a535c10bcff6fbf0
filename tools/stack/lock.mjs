import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { readProcess } from './processes.mjs';
import { pause } from './run.mjs';

/**
 * @param {string} file
 * @returns {number | undefined} pid of the living process that holds the lock
 */
export function lockHolder(file) {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8'));
    // With the time of its start, a pid that was given away again is not taken for the holder.
    return readProcess(pid)?.startedAt === startedAt ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes a lock between processes; a holder that was killed counts as gone.
 *
 * @param {string} file
 * @returns {(() => void) | undefined} what gives it back, or nothing when another process holds it
 */
export function tryLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, startedAt: readProcess(process.pid)?.startedAt }));
  try {
    if (!link(own, file) && !(removeStale(file) && link(own, file))) return undefined;
    return () => rmSync(file, { force: true });
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * A link appears whole or not at all, so nobody reads a half-written holder.
 *
 * @param {string} from
 * @param {string} to
 */
function link(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Moves the lock of an ended process away. It is looked at again once it is moved: another process may have
 * replaced it since it was found stale.
 *
 * @param {string} file
 */
function removeStale(file) {
  if (lockHolder(file)) return false;
  const moved = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, moved);
  } catch {
    return true;
  }
  const replaced = lockHolder(moved) !== undefined;
  if (replaced) link(moved, file);
  rmSync(moved, { force: true });
  return !replaced;
}

/**
 * @template T
 * @param {{ file: string, what: string, log: (line: string) => void }} options
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock({ file, what, log }, work) {
  let release = tryLock(file);
  const holder = release ? process.pid : lockHolder(file);
  if (holder && holder !== process.pid) log(`${what}: waiting for process ${holder} to finish`);
  while (!release) {
    await pause(200);
    release = tryLock(file);
  }
  try {
    return await work();
  } finally {
    release();
  }
}
