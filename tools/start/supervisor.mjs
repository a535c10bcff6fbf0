import { mkdirSync } from 'node:fs';

import { findProcess, sendSignal, startDetached, stopProcess } from '../stack/processes.mjs';
import { SetUpError, describeLog, pause } from '../stack/run.mjs';
import { environmentOf, processOf, urlOf } from './apps.mjs';

/**
 * @typedef {import('./apps.mjs').App} App
 * @typedef {import('../stack/layout.mjs').StackLayout} StackLayout
 * @typedef {(line: string) => void} Log
 */

// A process bounds its own orderly shutdown by 15 s.
const STOP_MS = 17_000;

const READY_MS = 90_000;
const FIRST_RESTART_MS = 1_000;
const LAST_RESTART_MS = 30_000;
// An app that ran this long is restarted as promptly as at first.
const SETTLED_MS = 60_000;
// An app that ends so often before it was ever ready will not become it.
const HOPELESS_STARTS = 3;

/**
 * Stops apps of this clone that outlived their supervisor.
 *
 * @param {{ apps: App[], layout: StackLayout, log: Log }} options
 */
export async function stopLeftOverApps({ apps, layout, log }) {
  for (const app of apps) {
    const { identity, pidFile } = processOf(app, layout);
    if (!findProcess(identity, pidFile)) continue;
    log(`stopping ${app.as}, left over from an earlier start`);
    await stopProcess({ identity, pidFile, signal: 'SIGTERM', patienceMs: STOP_MS });
  }
}

/**
 * Keeps the apps running: an app that ends by itself is started again.
 */
export class Supervisor {
  #apps;
  #layout;
  #env;
  #redisUrlOf;
  #log;
  #stopping = false;
  /** @type {Map<string, number>} how often an app ended before all were ready */
  #earlyEnds = new Map();
  /** @type {Map<string, number>} where in its log the latest run of an app begins */
  #logFrom = new Map();
  #ready = false;
  /** @type {Promise<unknown>} */
  #started = Promise.resolve();

  /**
   * @param {{ apps: App[], layout: StackLayout, env: NodeJS.ProcessEnv, log: Log,
   *   redisUrlOf: import('../stack/stack.mjs').Stack['redisUrlOf'] }} options
   */
  constructor({ apps, layout, env, log, redisUrlOf }) {
    this.#redisUrlOf = redisUrlOf;
    this.#apps = apps;
    this.#layout = layout;
    this.#env = env;
    this.#log = log;
  }

  async start() {
    mkdirSync(this.#layout.logs, { recursive: true });
    this.#started = Promise.all(this.#apps.map((app) => this.#startApp(app, FIRST_RESTART_MS)));
    await this.#started;
  }

  /**
   * @param {App} app
   * @param {number} restartMs
   */
  async #startApp(app, restartMs) {
    const startedAt = Date.now();
    const { child, logFrom } = await startDetached({
      ...processOf(app, this.#layout),
      env: { ...environmentOf(app, this.#env), REDIS_URL: this.#redisUrlOf(app.name) },
    });
    this.#logFrom.set(app.as, logFrom);
    const again = (/** @type {number | null} */ code, /** @type {NodeJS.Signals | null} */ signal) =>
      void this.#restart({ app, how: signal ?? `exit status ${code}`, startedAt, restartMs });
    if (child.exitCode !== null || child.signalCode !== null) again(child.exitCode, child.signalCode);
    else child.once('exit', again);
  }

  /** @param {{ app: App, how: string, startedAt: number, restartMs: number }} end */
  async #restart({ app, how, startedAt, restartMs }) {
    if (this.#stopping) return;
    if (!this.#ready) this.#earlyEnds.set(app.as, (this.#earlyEnds.get(app.as) ?? 0) + 1);
    const waitMs = Date.now() - startedAt > SETTLED_MS ? FIRST_RESTART_MS : restartMs;
    const lines = await this.#describeLog(app);
    this.#log(`warning: ${app.as} ended (${how}) and is started again in ${waitMs / 1000} s; ${lines}`);
    await pause(waitMs);
    if (this.#stopping) return;
    await this.#startApp(app, Math.min(waitMs * 2, LAST_RESTART_MS)).catch((error) =>
      this.#log(`warning: ${error.message}`),
    );
  }

  /** @throws {SetUpError} naming the apps that are not ready in time, with the last lines of their logs */
  async untilReady() {
    const deadline = Date.now() + READY_MS;
    let waiting = this.#apps;
    while (waiting.length > 0) {
      const answers = await Promise.all(waiting.map((app) => this.#isReady(app)));
      waiting = waiting.filter((_app, index) => !answers[index]);
      if (this.#stopping) return;
      const hopeless = waiting.some((app) => (this.#earlyEnds.get(app.as) ?? 0) >= HOPELESS_STARTS);
      if (hopeless || (waiting.length > 0 && Date.now() > deadline))
        throw new SetUpError(await this.#explain(waiting));
      if (waiting.length > 0) await pause(100);
    }
    this.#ready = true;
  }

  /** @param {App} app */
  async #isReady(app) {
    try {
      const answer = await fetch(`${urlOf(app.ready, this.#env)}/health/ready`, {
        signal: AbortSignal.timeout(2_000),
      });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }

  /** @param {App} app */
  #describeLog(app) {
    return describeLog(processOf(app, this.#layout).logFile, this.#logFrom.get(app.as));
  }

  /** @param {App[]} apps */
  async #explain(apps) {
    const logs = await Promise.all(apps.map((app) => this.#describeLog(app)));
    return apps.map((app, index) => `${app.as} did not become ready; ${logs[index]}`).join('\n\n');
  }

  /** Stops each app in the order of a purchase; one that does not end in time is killed. */
  async stop() {
    this.#stopping = true;
    await this.#started.catch(() => {});
    for (const app of this.#apps) {
      const { identity, pidFile } = processOf(app, this.#layout);
      const outcome = await stopProcess({ identity, pidFile, signal: 'SIGTERM', patienceMs: STOP_MS });
      if (outcome !== 'not running') this.#log(`${app.as} ${outcome}`);
    }
  }

  /** Ends all apps at once. */
  kill() {
    this.#stopping = true;
    for (const app of this.#apps) {
      const { identity, pidFile } = processOf(app, this.#layout);
      const pid = findProcess(identity, pidFile);
      if (pid) sendSignal(pid, 'SIGKILL');
    }
  }
}
