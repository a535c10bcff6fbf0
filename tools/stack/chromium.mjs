import { installPackages } from './packages.mjs';
import { findChromium } from './programs.mjs';
import { SetUpError } from './run.mjs';

/**
 * The browser of the tests; nothing else needs one.
 *
 * @param {(line: string) => void} log
 * @returns {Promise<string>} its path
 * @throws {SetUpError}
 */
export async function ensureChromium(log) {
  if (!findChromium()) await installPackages({ packages: ['chromium'], log });
  const path = findChromium();
  if (!path) throw new SetUpError('Chromium is not where it is looked for: in PATH');
  return path;
}
