import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import pg from 'pg';
import { Operator } from '../demo/operator.mjs';
import { ShopBackend } from '../demo/shop-backend.mjs';
import { stackLayout } from '../stack/layout.mjs';
import { findProcess, sendSignal, startDetached, stopProcess } from '../stack/processes.mjs';
import { VARIABLES, readGiven } from '../stack/given.mjs';
import { serversOnMachine } from '../stack/machine.mjs';
import { SetUpError, describeLog, pause, run } from '../stack/run.mjs';
import { down, kill, reset, up } from '../stack/stack.mjs';
import { APPS, processOf, urlOf } from '../start/apps.mjs';
import { appEnvironment } from '../start/environment.mjs';
import { cpuSecondsOf } from './cpu.mjs';
import { Rivals } from './rivals.mjs';
import { freePorts } from './free-ports.mjs';

const NAME = 'bench';
const MIGRATE_MS = 300_000;
const READY_MS = 90_000;
const STOP_MS = 17_000;
const HOLD_MS = 3_600_000;

/**
 * @typedef {'gateway' | 'relay' | 'orders' | 'admin'} AppName
 * @typedef {{ saleId: string, productIds: string[], at: Installation }} Sale
 *
 * Who knows a sale: the admin process, by the name it runs as, and the database, the default one where there is none.
 *
 * @typedef {{ admin: string, database?: string }} Installation
 */

/** @type {Installation} */
const DEFAULT = { admin: 'admin' };

/** Servers and built processes of a benchmark's own, empty at the start, with the product's default settings. */
export class BenchSystem {
  #name;
  #layout;
  #log;
  #secrets = { operator: secret(), service: secret(), token: secret() };
  /** The secret of shoppers' tokens, for a gateway with FLUX_AUTH=jwt. */
  jwtSecret = secret();
  /** @type {NodeJS.ProcessEnv} */
  #env = {};
  /** @type {Map<string, { app: import('../start/apps.mjs').App, env: NodeJS.ProcessEnv }>} by the name it runs as */
  #running = new Map();
  #rivals = new Rivals((name) => (this.#ended ??= name));
  /** @type {string | undefined} which process ended by itself: nothing measured after it is valid */
  #ended;
  /** @type {Promise<void> | undefined} */
  #stopped;
  /** @type {Map<string | undefined, pg.Pool>} by database; the default one has no name */
  #databases = new Map();
  /** @type {Redis | undefined} */
  #redis;
  /** @type {import('../stack/stack.mjs').Stack | undefined} */
  #stack;

  /** @param {{ log: (line: string) => void, name?: string }} options `name`: two at a time have different ones */
  constructor({ log, name = NAME }) {
    this.#log = log;
    this.#name = name;
    this.#layout = stackLayout(name);
  }

  /**
   * Servers, database and the processes of a default installation.
   *
   * @throws {SetUpError} when something does not come up
   */
  async start() {
    const given = Object.entries(readGiven(process.env)).filter(([, value]) => value !== undefined);
    if (given.length > 0) {
      const names = given.map(([server]) => VARIABLES[/** @type {keyof typeof VARIABLES} */ (server)]);
      throw new SetUpError(`a benchmark needs servers of its own: unset ${names.join(', ')}`);
    }
    await this.#stopLeftOver();
    await reset({ name: this.#name, log: this.#log });
    this.#stack = await up({ name: this.#name, log: this.#log });
    mkdirSync(this.#layout.logs, { recursive: true });
    this.#env = {
      ...process.env,
      ...appEnvironment({ stack: this.#stack, secrets: this.#secrets, env: process.env }),
      FLUX_JWT_SECRET: this.jwtSecret,
    };
    await this.#migrate({ databaseUrl: this.databaseUrl, root: this.#layout.root });
    this.#redis = new Redis(this.redisUrl);
    await Promise.all(APPS.map(({ name }) => this.startApp(/** @type {AppName} */ (name))));
  }

  /**
   * Starts a process and waits until it is ready.
   *
   * @param {AppName} name
   * @param {{ as?: string, env?: Record<string, string>, root?: string }} [options] `as` tells processes of one app
   *   apart; `root` is the folder of another build
   * @throws {SetUpError} when it ends or is not ready in time
   */
  async startApp(name, { as = name, env = {}, root = this.#layout.root } = {}) {
    const app = APPS.find((one) => one.name === name);
    if (!app || this.#running.has(as)) throw new Error(`${as} cannot be started`);
    const ports = await portsFor([...new Set([app.ready, app.metrics])]);
    const ownEnv = { ...this.#env, REDIS_URL: this.#up.redisUrlOf(name), ...ports, ...env };
    const started = processOf(app, { ...this.#layout, root }, as);
    this.#running.set(as, { app, env: ownEnv });
    const { child, logFrom } = await startDetached({ ...started, env: ownEnv });
    child.once('exit', () => {
      if (this.#running.has(as)) this.#ended ??= as;
    });
    const url = `${urlOf(app.ready, ownEnv)}/health/ready`;
    const isReady = () => fetch(url, { signal: AbortSignal.timeout(2_000) }).then(isOk, () => false);
    await this.until(`${as} is ready`, isReady, { timeoutMs: READY_MS }).catch(async (error) => {
      throw new SetUpError(`${error.message}; ${await describeLog(started.logFile, logFrom)}`);
    });
  }

  /** Stops a process in order: what it has begun is done. */
  async stopApp(/** @type {string} */ as) {
    const running = this.#running.get(as);
    if (!running) return;
    this.#running.delete(as);
    const { identity, pidFile } = processOf(running.app, this.#layout, as);
    await stopProcess({ identity, pidFile, signal: 'SIGTERM', patienceMs: STOP_MS });
  }

  /** @returns {boolean} whether a process was started and not stopped */
  runs(/** @type {string} */ as) {
    return this.#running.has(as);
  }

  /** Starts a program of `rivals/`, with the environment of the product's processes. */
  async startRival(/** @type {string} */ name) {
    await this.#rivals.start(name, this.#env);
  }

  stopRival(/** @type {string} */ name) {
    this.#rivals.stop(name);
  }

  /** @returns {string} where a process, or a rival, serves */
  urlOf(/** @type {string} */ as) {
    const rival = this.#rivals.urlOf(as);
    if (rival !== undefined) return rival;
    const { app, env } = this.#of(as);
    return urlOf(app.ready, env);
  }

  /** @returns {Promise<string>} what a process has counted, in Prometheus' text format */
  async metricsOf(/** @type {string} */ as) {
    const { app, env } = this.#of(as);
    return (await fetch(`${urlOf(app.metrics, env)}/metrics`)).text();
  }

  get databaseUrl() {
    return this.#up.databaseUrl;
  }

  get redisUrl() {
    return this.#up.redisUrl;
  }

  get redis() {
    if (!this.#redis) throw new Error('the system is not up');
    return this.#redis;
  }

  get operator() {
    return this.#operatorAt(DEFAULT);
  }

  #operatorAt(/** @type {Installation} */ { admin }) {
    const { operator, service } = this.#secrets;
    const adminUrl = this.urlOf(admin);
    return new Operator({ adminUrl, gatewayUrl: '', operatorKey: operator, serviceKey: service });
  }

  /** Where a shop's backend starts payments. */
  get shop() {
    const { operator, service } = this.#secrets;
    const adminUrl = this.urlOf(DEFAULT.admin);
    return new ShopBackend({
      adminUrl,
      gatewayUrls: [],
      gatewayUrl: '',
      operatorKey: operator,
      serviceKey: service,
    });
  }

  /** Ends Redis as a crash would, and starts it again on the same data. */
  async restartRedis() {
    const pidOf = () => serversOnMachine(this.#layout).find(({ name }) => name === 'redis')?.pid;
    const pid = pidOf();
    if (pid === undefined) throw new SetUpError('there is no Redis to restart on this machine');
    sendSignal(pid, 'SIGKILL');
    await this.until('Redis has ended', async () => pidOf() === undefined);
    await up({ name: this.#name, only: ['redis'], log: this.#log });
  }

  /** A folder for what a round writes beside the servers' data, on the same disk. */
  get folder() {
    return this.#layout.folder;
  }

  /**
   * @param {string} text
   * @param {unknown[]} [values]
   * @param {string} [database] one that was added
   * @returns {Promise<any[]>}
   */
  async sql(text, values = [], database) {
    const pool = this.#databases.get(database);
    if (!pool) throw new Error('there is no such database');
    return (await pool.query(text, values)).rows;
  }

  /**
   * Another database with the same schema, for an installation beside the default one.
   *
   * @param {string} name
   * @param {{ root?: string }} [options] folder of another build, whose schema it gets
   * @returns {Promise<string>} its address
   */
  async addDatabase(name, { root = this.#layout.root } = {}) {
    await this.sql(`CREATE DATABASE ${name}`);
    const url = new URL(this.databaseUrl);
    url.pathname = `/${name}`;
    await this.#migrate({ name, databaseUrl: url.href, root });
    return url.href;
  }

  async #migrate(
    /** @type {{ name?: string, databaseUrl: string, root: string }} */ { name, databaseUrl, root },
  ) {
    const migrate = join(root, 'dist', 'apps', 'admin', 'src', 'migrate.js');
    await run(process.execPath, ['--enable-source-maps', migrate], {
      cwd: root,
      env: { ...this.#env, DATABASE_URL: databaseUrl },
      timeoutMs: MIGRATE_MS,
      what: 'the migration',
    });
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, application_name: 'bench' });
    this.#databases.set(name, pool);
  }

  /**
   * Opens a sale of its own.
   *
   * @param {{ stock: number, items?: number, holdMs?: number, opensInMs?: number, admission?: object, at?: Installation }} options
   *   stock of each item; `admission` as the operator sets it
   * @returns {Promise<Sale>}
   */
  async openSale({ stock, items = 1, holdMs = HOLD_MS, opensInMs = 0, admission, at = DEFAULT }) {
    const operator = this.#operatorAt(at);
    const name = randomBytes(4).toString('hex');
    const saleId = `sale-${name}`;
    const productIds = Array.from({ length: items }, (_, index) => `product-${name}-${index + 1}`);
    const item = { name: 'A unit', priceMinor: 100, currency: 'EUR', stock, perShopperLimit: 1 };
    await operator.must('POST', '/admin/v1/sales', {
      id: saleId,
      name: 'Benchmark',
      opensAt: new Date(Date.now() + opensInMs).toISOString(),
      closesAt: new Date(Date.now() + 24 * HOLD_MS).toISOString(),
      holdMs,
      ...(admission === undefined ? {} : { admission }),
      items: productIds.map((productId) => ({ productId, ...item })),
    });
    await operator.must('POST', `/admin/v1/sales/${saleId}/open`);
    return { saleId, productIds, at };
  }

  /**
   * One call of the operator API.
   *
   * @param {string} method @param {string} path @param {object} [body]
   */
  operate(method, path, body) {
    return this.#operatorAt(DEFAULT).must(method, path, body);
  }

  /** @returns {Promise<any[]>} the counters of each item at the gate */
  async gateOf(/** @type {Sale} */ { saleId, at }) {
    const sale = await this.#operatorAt(at).must('GET', `/admin/v1/sales/${saleId}`);
    return sale.items.map((/** @type {any} */ item) => item.gate);
  }

  /**
   * Waits until everything accepted is committed and settled.
   *
   * @param {Sale} sale
   * @param {number} orders
   * @throws {SetUpError} where PostgreSQL does not hold exactly so many confirmed orders: the round is not valid
   */
  async untilDrained(sale, orders) {
    const { saleId } = sale;
    const ask = async (/** @type {string} */ text, /** @type {unknown[]} */ values) =>
      (await this.sql(text, values, sale.at.database))[0];
    await this.until(`${orders} orders are committed and settled`, async () => {
      const { held } = await ask('SELECT sum(held)::integer AS held FROM ledger WHERE sale_id = $1', [
        saleId,
      ]);
      if (held < orders) return false;
      return (await this.gateOf(sale)).every(({ outboxLength }) => outboxLength === 0);
    });
    const { rows, confirmed } = await ask(
      `SELECT count(*)::integer AS rows, (count(*) FILTER (WHERE state = 'confirmed'))::integer AS confirmed
       FROM orders WHERE sale_id = $1`,
      [saleId],
    );
    if (rows !== orders || confirmed !== orders)
      throw new SetUpError(
        `not valid: ${orders} were accepted, and PostgreSQL has ${rows}, ${confirmed} confirmed`,
      );
    // What is still told of them is no part of what is measured next.
    await this.until('their events are published', async () => {
      const { queued } = await ask('SELECT EXISTS (SELECT FROM order_events) AS queued', []);
      return !queued;
    });
  }

  /** @returns {Record<string, number>} CPU seconds used so far by each process and server */
  cpuSeconds() {
    const used = [...this.#running].map(([as, { app }]) => {
      const { identity, pidFile } = processOf(app, this.#layout, as);
      return [as, cpuSecondsOf(findProcess(identity, pidFile) ?? 0)];
    });
    const servers = serversOnMachine(this.#layout).map(({ name, pid }) => [name, cpuSecondsOf(pid ?? 0)]);
    return Object.fromEntries([...used, ...servers, ...this.#rivals.cpuSeconds()]);
  }

  /**
   * Asks until the answer is true.
   *
   * @param {string} what
   * @param {() => Promise<boolean>} ask
   * @param {{ timeoutMs?: number, everyMs?: number }} [options]
   * @throws {SetUpError} when the time is over or a process has ended: the run is not valid
   */
  async until(what, ask, { timeoutMs = 300_000, everyMs = 50 } = {}) {
    const deadline = Date.now() + timeoutMs;
    while (!(await ask())) {
      if (this.#ended) throw new SetUpError(`not valid: ${this.#ended} has ended`);
      if (Date.now() > deadline) throw new SetUpError(`waited ${timeoutMs / 1_000} s in vain until ${what}`);
      await pause(everyMs);
    }
  }

  /** Stops everything; the second call waits for the first. */
  async stop() {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop() {
    this.#rivals.stopAll();
    await Promise.all([...this.#databases.values()].map((pool) => pool.end()));
    this.#redis?.disconnect();
    const order = APPS.map(({ name }) => name);
    const running = [...this.#running].sort(
      ([, a], [, b]) => order.indexOf(a.app.name) - order.indexOf(b.app.name),
    );
    for (const [as] of running) await this.stopApp(as);
    await down({ name: this.#name, log: this.#log });
  }

  /** Processes of a run that was killed. */
  async #stopLeftOver() {
    mkdirSync(this.#layout.folder, { recursive: true });
    const files = readdirSync(this.#layout.folder).filter((file) => file.endsWith('.pid'));
    for (const as of files.map((file) => file.slice(0, -'.pid'.length))) {
      const { identity, pidFile } = processOf({ name: as }, this.#layout, as);
      if (findProcess(identity, pidFile))
        await stopProcess({ identity, pidFile, signal: 'SIGTERM', patienceMs: STOP_MS });
    }
  }

  /** Ends everything at once. */
  kill() {
    for (const [as, { app }] of this.#running) {
      const { identity, pidFile } = processOf(app, this.#layout, as);
      const pid = findProcess(identity, pidFile);
      if (pid) sendSignal(pid, 'SIGKILL');
    }
    kill({ name: this.#name });
  }

  get #up() {
    if (!this.#stack) throw new Error('the system is not up');
    return this.#stack;
  }

  #of(/** @type {string} */ as) {
    const running = this.#running.get(as);
    if (!running) throw new Error(`${as} does not run`);
    return running;
  }
}

function isOk(/** @type {Response} */ answer) {
  return answer.ok;
}

function secret() {
  return randomBytes(32).toString('base64url');
}

/**
 * @param {import('../start/apps.mjs').Listener[]} listeners
 * @returns {Promise<Record<string, string>>} a port for each, so that it runs beside another system
 */
async function portsFor(listeners) {
  const ports = await freePorts(listeners.length);
  return Object.fromEntries(listeners.map(({ portVariable }, index) => [portVariable, String(ports[index])]));
}
