import { readFileSync, readdirSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

/**
 * CPU time that a process and its children have used, those included that have ended and were waited for.
 *
 * @param {number} pid
 * @returns {number} in seconds; 0 where there is no /proc, or no such process
 */
export function cpuSecondsOf(pid) {
  const all = statsOfAll();
  const own = all.get(pid);
  if (!own) return 0;
  let ticks = own.used + own.usedByEnded;
  for (const stat of all.values()) if (stat.parent === pid) ticks += stat.used + stat.usedByEnded;
  return ticks / TICKS_PER_SECOND;
}

/**
 * CPU time of the programs that this process has run to their end.
 *
 * @returns {number} in seconds; 0 where there is no /proc
 */
export function cpuSecondsOfEnded() {
  return (statsOfAll().get(process.pid)?.usedByEnded ?? 0) / TICKS_PER_SECOND;
}

/** @returns {Map<number, { parent: number, used: number, usedByEnded: number }>} */
function statsOfAll() {
  const stats = new Map();
  if (process.platform !== 'linux') return stats;
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const text = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const at = (/** @type {number} */ index) => Number(fields[index]);
      stats.set(Number(entry), { parent: at(1), used: at(11) + at(12), usedByEnded: at(13) + at(14) });
    } catch {
      // It has ended since it was listed.
    }
  }
  return stats;
}
