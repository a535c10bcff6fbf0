import { chownSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { SetUpError, succeeds } from './run.mjs';

/**
 * Who runs PostgreSQL, which refuses to run as root.
 *
 * @typedef {{ uid: number, gid: number, command: (words: string[]) => { file: string, args: string[] } }} Account
 */

const SYSTEM_USER = 'postgres';

// Least first: what a folder below a private one (mode 0700, such as /root) needs is only to be passed through.
const CAPABILITIES = [undefined, 'dac_read_search', 'dac_override'];

/**
 * We ourselves, or the system's postgres user when we are root. Where that user may not enter the folder, the server
 * keeps one capability that lets it.
 *
 * @param {string} folder where the data will be
 * @returns {Promise<Account>}
 * @throws {SetUpError}
 */
export async function postgresAccount(folder) {
  const uid = process.getuid?.() ?? -1;
  if (uid !== 0) {
    return { uid, gid: process.getgid?.() ?? -1, command: ([file = '', ...args]) => ({ file, args }) };
  }
  const user = systemUser();
  giveTo(user, folder, { deep: false });
  for (const capability of CAPABILITIES) {
    const prefix = setpriv(capability);
    const command = (/** @type {string[]} */ words) => ({ file: 'setpriv', args: [...prefix, ...words] });
    const entering = command(['sh', '-c', 'cd "$0" && : > .probe && rm .probe', folder]);
    if (await succeeds(entering.file, entering.args)) return { ...user, command };
  }
  throw new SetUpError(
    `the user ${SYSTEM_USER} may not enter ${folder}, and root may not let it here.\n` +
      `Put the clone into a folder that others may enter, or give DATABASE_URL.`,
  );
}

/** @param {string | undefined} capability */
function setpriv(capability) {
  const become = [`--reuid=${SYSTEM_USER}`, `--regid=${SYSTEM_USER}`, '--init-groups'];
  if (!capability) return become;
  return [...become, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
}

function systemUser() {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === SYSTEM_USER);
  if (!entry) throw new SetUpError(`no user ${SYSTEM_USER} here, and PostgreSQL refuses to run as root`);
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/**
 * Makes a folder the account's own; a clone that root copied has lost its owners.
 *
 * @param {{ uid: number, gid: number }} account
 * @param {string} path
 * @param {{ deep?: boolean }} [options]
 */
export function giveTo({ uid, gid }, path, { deep = true } = {}) {
  const stat = lstatSync(path);
  if (stat.uid !== uid || stat.gid !== gid) chownSync(path, uid, gid);
  if (!deep || !stat.isDirectory()) return;
  for (const name of readdirSync(path)) giveTo({ uid, gid }, join(path, name));
}
