import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { giveTo, postgresAccount } from './postgres-account.mjs';
import { processesIn, readProcess, sendSignal } from './processes.mjs';
import { SetUpError, pause, run } from './run.mjs';

const USER = 'flux';
const DATABASE = 'flux';

const ORPHANS_MS = 5_000;

/**
 * @param {{ port: number | undefined, password: string }} options
 */
export function databaseUrl({ port, password }) {
  return `postgresql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
}

/**
 * The password of the database user: random, made once, readable by the owner of the clone only.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 */
export function postgresPassword({ folder, passwordFile }) {
  if (existsSync(passwordFile)) return readFileSync(passwordFile, 'utf8').trim();
  mkdirSync(folder, { recursive: true });
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  return password;
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {string | undefined} major version that made the data
 */
export function postgresDataVersion(layout) {
  const file = join(layout.dataOf('postgres'), 'data', 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {import('./machine.mjs').Server}
 */
export function postgresServer(layout) {
  const folder = layout.dataOf('postgres');
  const data = join(folder, 'data');
  return {
    name: 'postgres',
    kind: 'postgres',
    title: 'PostgreSQL',
    niceness: 5,
    identity: { program: 'postgres', argument: data },
    portNames: ['postgres'],
    // Fast shutdown: ends the sessions and writes a checkpoint, where SIGTERM would wait for the sessions.
    stopSignal: 'SIGINT',
    startMs: 60_000,
    prepare: async ({ ports, programs, log }) => {
      mkdirSync(folder, { recursive: true });
      const account = await postgresAccount(folder);
      if (!existsSync(data)) {
        log('creating the PostgreSQL cluster');
        await initialise({
          bin: programs.postgres,
          account,
          folder,
          data,
          password: postgresPassword(layout),
        });
      }
      giveTo(account, folder);
      await clearRemains(data);
      return account.command([join(programs.postgres, 'postgres'), '-D', data, ...options(ports.postgres)]);
    },
    probe: ({ ports, programs }) => probePostgres({ layout, port: ports.postgres, bin: programs.postgres }),
  };
}

/** @param {number | undefined} port */
function options(port) {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    // A socket's path may have 107 bytes at most, and a clone may lie deeper.
    unix_socket_directories: '',
    max_connections: 200,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * The folder gets its name only when user and database are in it: a crash in the middle leaves nothing half made.
 *
 * @param {{ bin: string, account: import('./postgres-account.mjs').Account, folder: string, data: string, password: string }} options
 */
async function initialise({ bin, account, folder, data, password }) {
  const incoming = `${data}.incoming`;
  const passwordFile = join(folder, 'initial-password');
  rmSync(incoming, { recursive: true, force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(account, folder);
  try {
    const initdb = account.command([
      join(bin, 'initdb'),
      ...['-D', incoming, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['--encoding=UTF8', '--no-locale'],
    ]);
    await run(initdb.file, initdb.args, { cwd: '/' });
    const single = account.command([join(bin, 'postgres'), '--single', '-D', incoming, 'postgres']);
    await run(single.file, single.args, { cwd: '/', input: `create database ${DATABASE}\n` });
    renameSync(incoming, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * Takes away what would stop a server from starting after its predecessor was killed. Called when no server of ours
 * runs on the data.
 *
 * @param {string} data
 */
async function clearRemains(data) {
  if (process.platform !== 'linux') return;
  // A killed server's children hold its shared memory until they notice; one in the middle of a query may not.
  const deadline = Date.now() + ORPHANS_MS;
  while (processesIn(data).length > 0 && Date.now() < deadline) await pause(50);
  const children = processesIn(data).filter((pid) => readProcess(pid)?.argv[0]?.startsWith('postgres: '));
  for (const pid of children) sendSignal(pid, 'SIGKILL');
  // A server that somebody runs on the data by hand is PostgreSQL's to refuse.
  if (processesIn(data).length > children.length) return;

  // PostgreSQL refuses to start while the pid in its file exists, whoever has it now: another program after a restart
  // of the machine, the server of the clone this one was copied from, or a zombie whose parent never asks.
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

/**
 * @param {{ layout: import('./layout.mjs').StackLayout, port: number | undefined, bin: string }} options
 * @throws {SetUpError}
 */
async function probePostgres({ layout, port, bin }) {
  const password = postgresPassword(layout);
  // No other PG... variable of the caller may send the query elsewhere.
  const env = { PATH: process.env.PATH, PGPASSWORD: password, PGCONNECT_TIMEOUT: '3' };
  const target = ['-h', '127.0.0.1', '-p', String(port), '-U', USER, '-d', DATABASE];
  const query = ['-X', '-w', '-A', '-t', '-c', 'select 40 + 2'];
  const { stdout } = await run(join(bin, 'psql'), [...target, ...query], { env, cwd: '/', timeoutMs: 5_000 });
  if (stdout.trim() !== '42') throw new SetUpError(`psql answered ${stdout.trim()}`);
}
