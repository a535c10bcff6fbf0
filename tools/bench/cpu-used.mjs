import { cpuSecondsOfEnded } from './cpu.mjs';

/**
 * What each process and server used of the CPU while something was done; `wrk` is what ran to its end meanwhile.
 *
 * @template T
 * @param {() => Record<string, number>} read what each has used so far, in seconds
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, seconds: Record<string, number> }>}
 */
export async function cpuUsedBy(read, work) {
  /** @returns {Record<string, number>} */
  const readAll = () => ({ ...read(), wrk: cpuSecondsOfEnded() });
  const before = readAll();
  const result = await work();
  const used = Object.entries(readAll()).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]);
  return { result, seconds: Object.fromEntries(used) };
}
