// npm start [-- --topology cluster]: does all the set-up, brings up servers and apps, runs the demo once, and stays until
// Ctrl-C.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { ensureBuild, ensureDependencies, refuseOldNode } from './setup.mjs';
import { lockHolder, tryLock } from './stack/lock.mjs';
import { SetUpError, interrupt, reportFailure, run } from './stack/run.mjs';
import { down, kill, up } from './stack/stack.mjs';
import { TOPOLOGIES, isTopology } from './stack/topology.mjs';
import { APPS_OF, refuseBusyPorts, urlOf } from './start/apps.mjs';
import {
  DEV,
  appEnvironment,
  layoutOf,
  removeEnvironment,
  secretsOfClone,
  toolEnvironment,
  writeEnvironment,
} from './start/environment.mjs';
import { listenForStop } from './start/signals.mjs';
import { Supervisor, stopLeftOverApps } from './start/supervisor.mjs';

const MIGRATE_MS = 300_000;

const USAGE = `usage: npm start [-- --topology ${Object.keys(TOPOLOGIES).join('|')}]`;

const log = (/** @type {string} */ line) => console.log(line);

const topology = readTopology(process.argv.slice(2));
const layout = layoutOf(topology);
const apps = APPS_OF[topology];

let serversWanted = false;
/** @type {Supervisor | undefined} */
let supervisor;
/** @type {import('node:child_process').ChildProcess | undefined} */
let demo;

async function main() {
  refuseOldNode();
  const release = tryLock(DEV.startLock);
  if (!release) {
    throw new SetUpError(
      `Flux-Gate already runs from this folder (process ${lockHolder(DEV.startLock) ?? '?'}): stop that with Ctrl-C first`,
    );
  }
  const stop = listenForStop({
    onFirst: () => {
      log('\nstopping (Ctrl-C again kills at once)');
      interrupt();
      demo?.kill('SIGTERM');
    },
    onSecond: () => {
      supervisor?.kill();
      kill({ name: layout.name });
      process.exit(130);
    },
  });
  try {
    await bringUp(stop);
    await stayUntil(stop.requested);
  } catch (error) {
    // What a stop cut short fails, and that is no news.
    if (!stop.isRequested()) reportFailure(error);
  } finally {
    await takeDown();
    release();
  }
  process.exit();
}

/**
 * A request to stop is heard in the middle of every step; what the step began is taken down by its own lock and pid files.
 *
 * @param {{ requested: Promise<void>, isRequested: () => boolean }} stop
 */
async function bringUp(stop) {
  /** @type {NodeJS.ProcessEnv} */
  let env = process.env;
  /** @type {import('./stack/stack.mjs').Stack['redisUrlOf']} */
  let redisUrlOf;
  const steps = [
    stopAllLeftOver,
    () => refuseBusyPorts(apps, env),
    () => ensureDependencies({ log }),
    () => ensureBuild({ log }),
    async () => {
      serversWanted = true;
      const stack = await up({ topology, name: layout.name, log });
      ({ redisUrlOf } = stack);
      const variables = appEnvironment({ stack, secrets: secretsOfClone() });
      env = { ...process.env, ...variables };
      writeEnvironment({ ...variables, ...toolEnvironment(apps, env) });
    },
    () => migrate(env),
    async () => {
      log(`starting ${apps.map(({ as }) => as).join(', ')}`);
      supervisor = new Supervisor({ apps, layout, env, log, redisUrlOf });
      await supervisor.start();
      await supervisor.untilReady();
    },
    () => runDemo(env, stop),
    async () => announce(env),
  ];
  for (const step of steps) {
    if (stop.isRequested()) return;
    await Promise.race([step(), stop.requested]);
  }
}

/** Of another topology, too: they would hold the ports. */
async function stopAllLeftOver() {
  for (const each of /** @type {(typeof topology)[]} */ (Object.keys(TOPOLOGIES)))
    await stopLeftOverApps({ apps: APPS_OF[each], layout: layoutOf(each), log });
}

/** @param {NodeJS.ProcessEnv} env */
async function migrate(env) {
  log('migrating the database');
  const entry = join(DEV.root, 'dist', 'apps', 'admin', 'src', 'migrate.js');
  await run(process.execPath, ['--enable-source-maps', entry], {
    cwd: DEV.root,
    env,
    timeoutMs: MIGRATE_MS,
    what: 'the migration',
  });
}

/**
 * The first start shows a whole sale; later ones only see to it that there is something to buy. The system stays up
 * whatever becomes of it.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {{ isRequested: () => boolean }} stop
 */
async function runDemo(env, stop) {
  const first = !existsSync(layout.demoDoneFile);
  const args = [join(DEV.root, 'tools', 'demo', 'demo.mjs'), first ? '--first-start' : '--keep-open'];
  const code = await new Promise((resolve) => {
    demo = spawn(process.execPath, args, {
      cwd: DEV.root,
      env: { ...env, ...toolEnvironment(apps, env) },
      stdio: 'inherit',
    });
    demo.once('error', () => resolve(1));
    demo.once('close', resolve);
  });
  demo = undefined;
  if (stop.isRequested()) return;
  if (code !== 0) return log('warning: the demo did not succeed; the system is up nevertheless');
  if (first) writeFileSync(layout.demoDoneFile, `${new Date().toISOString()}\n`);
}

/** @param {NodeJS.ProcessEnv} env */
function announce(env) {
  const here = (/** @type {string} */ path) => relative(process.cwd(), path) || '.';
  const listens = (/** @type {string} */ name, /** @type {string} */ title) =>
    apps
      .filter((app) => app.name === name)
      .map((app) => [title, urlOf(app.ready, env), `docs: ${urlOf(app.ready, env)}/docs`]);
  const lines = [
    ...listens('gateway', 'shop API'),
    ...listens('admin', 'operator API'),
    [
      'operator key',
      here(DEV.operatorKeyFile),
      process.env.FLUX_OPERATOR_KEYS ? 'not in use: FLUX_OPERATOR_KEYS is set' : '',
    ],
    [
      'service key',
      here(DEV.serviceKeyFile),
      process.env.FLUX_SERVICE_KEYS ? 'not in use: FLUX_SERVICE_KEYS is set' : "for the shop's backend",
    ],
    ...apps.map(({ as, metrics }) => [`metrics of ${as}`, `${urlOf(metrics, env)}/metrics`]),
    ['logs', here(layout.logs)],
    ['settings', here(DEV.environmentFile), 'servers and their passwords, as the apps have them'],
  ];
  log('\nFlux-Gate is up. Ctrl-C stops everything; the data stays.');
  const width = Math.max(...lines.map(([what = '']) => what.length));
  for (const [what = '', where = '', note = ''] of lines)
    log(`  ${what.padEnd(width + 1)} ${where.padEnd(28)}  ${note}`.trimEnd());
}

/** @param {Promise<void>} requested */
async function stayUntil(requested) {
  // The apps are detached, so that nothing else keeps this process alive.
  const alive = setInterval(() => {}, 60_000);
  await requested;
  clearInterval(alive);
}

async function takeDown() {
  removeEnvironment();
  await supervisor?.stop();
  if (serversWanted) await down({ name: layout.name, log }).catch(reportFailure);
}

/**
 * @param {string[]} args
 * @returns {import('./stack/topology.mjs').Topology}
 */
function readTopology(args) {
  try {
    const options = { topology: { type: /** @type {const} */ ('string'), default: 'single' } };
    const { topology } = parseArgs({ args, options }).values;
    if (isTopology(topology)) return topology;
  } catch {
    // An unknown option is answered like an unknown topology.
  }
  process.stderr.write(`${USAGE}\n`);
  process.exit(1);
}

// A closed terminal must not keep the apps from being stopped.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

await main().catch(reportFailure);
