import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const BLOCK = Buffer.alloc(4_096, 1);

/**
 * What it takes to append 4 kB to a file and have it on the disk, one after the other.
 *
 * @param {string} folder on the disk in question
 * @param {number} [times]
 * @returns {number[]} in ms
 */
export function timeFsyncs(folder, times = 1_000) {
  const file = join(folder, 'fsync-probe');
  const handle = openSync(file, 'w');
  try {
    return Array.from({ length: times }, () => {
      const startedAt = performance.now();
      writeSync(handle, BLOCK);
      fdatasyncSync(handle);
      return performance.now() - startedAt;
    });
  } finally {
    closeSync(handle);
    rmSync(file, { force: true });
  }
}
