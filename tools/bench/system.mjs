import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';

import pg from 'pg';
import { Operator } from '../demo/operator.mjs';
import { stackLayout } from '../stack/layout.mjs';
import { SetUpError, pause, run } from '../stack/run.mjs';
import { down, kill, reset, up } from '../stack/stack.mjs';
import { LISTENERS, urlOf } from '../start/apps.mjs';
import { appEnvironment } from '../start/environment.mjs';
import { listenForStop } from '../start/signals.mjs';
import { Supervisor, stopLeftOverApps } from '../start/supervisor.mjs';

const NAME = 'bench';
const MIGRATE_MS = 300_000;

/** Servers and built processes of a benchmark's own, empty at the start, with the product's default settings. */
export class BenchSystem {
  #layout = stackLayout(NAME);
  #log;
  /** @type {Supervisor | undefined} */
  #supervisor;
  /** @type {NodeJS.ProcessEnv} */
  #env = {};
  /** @type {Operator | undefined} */
  #operator;
  /** @type {pg.Pool | undefined} */
  #database;

  /** @param {{ log: (line: string) => void }} options */
  constructor({ log }) {
    this.#log = log;
  }

  /** @throws {SetUpError} when something does not come up */
  async start() {
    listenForStop({
      onFirst: () => {
        this.#log('stopping');
        void this.stop().finally(() => process.exit(130));
      },
      onSecond: () => {
        this.#supervisor?.kill();
        kill({ name: NAME });
        process.exit(130);
      },
    });
    await stopLeftOverApps({ layout: this.#layout, log: this.#log });
    await reset({ name: NAME, log: this.#log });
    const stack = await up({ name: NAME, log: this.#log });
    const secret = () => randomBytes(32).toString('base64url');
    const secrets = { operator: secret(), service: secret(), token: secret() };
    const ports = await freePorts();
    const variables = appEnvironment({ stack, secrets, env: { ...process.env, ...ports } });
    this.#env = { ...process.env, ...variables };
    this.#operator = new Operator({
      gatewayUrl: this.gatewayUrl,
      adminUrl: urlOf(LISTENERS.operator, this.#env),
      operatorKey: secrets.operator,
      serviceKey: secrets.service,
    });
    const migrate = join(this.#layout.root, 'dist', 'apps', 'admin', 'src', 'migrate.js');
    await run(process.execPath, ['--enable-source-maps', migrate], {
      cwd: this.#layout.root,
      env: this.#env,
      timeoutMs: MIGRATE_MS,
      what: 'the migration',
    });
    this.#database = new pg.Pool({ connectionString: stack.databaseUrl, max: 2, application_name: 'bench' });
    this.#supervisor = new Supervisor({ layout: this.#layout, env: this.#env, log: this.#log });
    await this.#supervisor.start();
    await this.#supervisor.untilReady();
  }

  get gatewayUrl() {
    return urlOf(LISTENERS.shop, this.#env);
  }

  get operator() {
    if (!this.#operator) throw new Error('the system is not up');
    return this.#operator;
  }

  /**
   * @param {string} text
   * @param {unknown[]} [values]
   * @returns {Promise<any[]>}
   */
  async sql(text, values = []) {
    if (!this.#database) throw new Error('the system is not up');
    return (await this.#database.query(text, values)).rows;
  }

  /** @returns {Promise<string>} what the orders process has counted, in Prometheus' text format */
  async ordersMetrics() {
    const answer = await fetch(`${urlOf(LISTENERS.ordersManagement, this.#env)}/metrics`);
    return answer.text();
  }

  /**
   * Asks until the answer is true.
   *
   * @param {string} what
   * @param {() => Promise<boolean>} ask
   * @param {{ timeoutMs?: number, everyMs?: number }} [options]
   * @throws {SetUpError} when the time is over: the run is not valid
   */
  async until(what, ask, { timeoutMs = 300_000, everyMs = 50 } = {}) {
    const deadline = Date.now() + timeoutMs;
    while (!(await ask())) {
      if (Date.now() > deadline) throw new SetUpError(`waited ${timeoutMs / 1_000} s in vain until ${what}`);
      await pause(everyMs);
    }
  }

  async stop() {
    await this.#database?.end();
    this.#database = undefined;
    await this.#supervisor?.stop();
    await down({ name: NAME, log: this.#log });
  }
}

/** @returns {Promise<Record<string, string>>} a port for each listener, so that it runs beside another system */
async function freePorts() {
  const variables = Object.values(LISTENERS).map(({ portVariable }) => portVariable);
  const servers = await Promise.all(variables.map(() => listening()));
  const ports = servers.map(
    (server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port,
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(variables.map((name, index) => [name, String(ports[index])]));
}

/** @returns {Promise<import('node:net').Server>} */
function listening() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}
