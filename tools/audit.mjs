// npm run audit: the checker over the servers that the environment names, else over the running system of this clone.
import { fileURLToPath } from 'node:url';

import { adminCommand, runAsProcess } from './admin-command.mjs';

/**
 * @param {string[]} args as the entry point takes them
 * @param {{ stdout?: 'inherit' | 'pipe' }} [options]
 * @returns {Promise<{ status: number, stdout: string }>} 0 proved, 1 refuted, 2 could not run or not at rest
 * @throws {SetUpError}
 */
export function audit(args, options = {}) {
  return adminCommand('audit', args, options);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await runAsProcess(async () => audit(process.argv.slice(2)));
