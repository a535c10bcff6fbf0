import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { SetUpError, run } from './run.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_BEFORE = `${POLICY}.before-flux-gate`;
const CLUSTER_POLICY = '/etc/postgresql-common/createcluster.d/flux-gate.conf';

// The first that the distribution has is taken; Kafka 4 needs Java 17.
const JAVA_PACKAGES = ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'default-jre-headless'];

/**
 * @param {string} osRelease text of /etc/os-release
 * @returns {boolean} whether the system is Debian, Ubuntu or made from them
 */
export function isDebianLike(osRelease) {
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

/**
 * Installs what is missing with apt-get, or names it and stops. No system service is left running and no
 * PostgreSQL cluster is made: the stack runs the programs itself, with ports and data of its own.
 *
 * @param {{ packages: ('redis-server' | 'postgresql' | 'java' | 'maven' | 'wrk' | 'chromium')[], log: (line: string) => void }} options
 * @throws {SetUpError}
 */
export async function installPackages({ packages, log }) {
  const here = existsSync('/etc/os-release') && isDebianLike(readFileSync('/etc/os-release', 'utf8'));
  if (!here || process.getuid?.() !== 0) throw new SetUpError(explainMissing(packages, here));

  log(`reading apt's package lists, to install ${packages.join(', ')}`);
  await apt(['update', '-q']);
  const names = await Promise.all(packages.map((name) => (name === 'java' ? javaPackage() : name)));
  log(`installing ${names.join(', ')} with apt-get (a minute or two)`);
  await withoutServices(async () => {
    // An installation that was interrupted blocks every later one until it is finished.
    await run('dpkg', ['--force-confdef', '--force-confold', '--configure', '-a'], { env: aptEnvironment() });
    await apt(['install', '-q', '-y', '--no-install-recommends', ...names]);
  });
}

/**
 * @param {string[]} packages
 * @param {boolean} debianLike
 */
function explainMissing(packages, debianLike) {
  const names = packages.map((name) => (name === 'java' ? 'a Java 17 runtime' : name)).join(', ');
  const command = `apt-get install --no-install-recommends ${packages.map((name) => (name === 'java' ? JAVA_PACKAGES[0] : name)).join(' ')}`;
  const how = debianLike ? `As root: ${command}` : 'Install them with your system’s package manager';
  return `this machine lacks: ${names}.\n${how};\nor start a Docker engine; or give REDIS_URL, KAFKA_BROKERS and DATABASE_URL.`;
}

async function javaPackage() {
  for (const name of JAVA_PACKAGES) {
    const { stdout } = await run('apt-cache', ['policy', name]);
    if (/Candidate: (?!\(none\))/.test(stdout)) return name;
  }
  throw new SetUpError(`apt knows none of ${JAVA_PACKAGES.join(', ')}`);
}

/** @param {string[]} args */
function apt(args) {
  // The lock may be held by an update of the system's own that ends by itself.
  const options = [
    'DPkg::Lock::Timeout=300',
    'Dpkg::Options::=--force-confdef',
    'Dpkg::Options::=--force-confold',
  ];
  return run('apt-get', [...options.flatMap((option) => ['-o', option]), ...args], { env: aptEnvironment() });
}

function aptEnvironment() {
  return {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    NEEDRESTART_SUSPEND: '1',
    UCF_FORCE_CONFFOLD: '1',
  };
}

/**
 * Debian starts a server as its package is installed, unless policy-rc.d forbids it.
 *
 * @param {() => Promise<void>} work
 */
async function withoutServices(work) {
  restorePolicy();
  // What is changed here must be put back, also after a Ctrl-C, which the terminal sends to apt-get too.
  let interrupted = false;
  const note = () => (interrupted = true);
  process.on('SIGINT', note).on('SIGTERM', note);
  try {
    if (existsSync(POLICY)) renameSync(POLICY, POLICY_BEFORE);
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
    mkdirSync(dirname(CLUSTER_POLICY), { recursive: true });
    writeFileSync(CLUSTER_POLICY, 'create_main_cluster = false\n');
    await work();
  } finally {
    rmSync(POLICY, { force: true });
    restorePolicy();
    rmSync(CLUSTER_POLICY, { force: true });
    process.off('SIGINT', note).off('SIGTERM', note);
  }
  if (interrupted) throw new SetUpError('interrupted');
}

/** Also undoes what a killed run left behind. */
function restorePolicy() {
  if (existsSync(POLICY_BEFORE)) renameSync(POLICY_BEFORE, POLICY);
}
