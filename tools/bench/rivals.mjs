import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { SetUpError } from '../stack/run.mjs';
import { NODE_ARGS } from '../start/apps.mjs';
import { cpuSecondsOf } from './cpu.mjs';

/** What Flux-Gate is compared with: programs of `rivals/`, run under the same Node options. */
export class Rivals {
  /** @type {Map<string, { child: import('node:child_process').ChildProcess, url: string }>} */
  #running = new Map();
  #onEnded;

  /** @param {(name: string) => void} onEnded hears of one that ends by itself */
  constructor(onEnded) {
    this.#onEnded = onEnded;
  }

  /**
   * Resolves when the program has sent `{ url }`: it listens.
   *
   * @param {string} name of the file, without its ending
   * @param {NodeJS.ProcessEnv} env
   * @throws {SetUpError} when it ends instead
   */
  async start(name, env) {
    const file = fileURLToPath(new URL(`rivals/${name}.mjs`, import.meta.url));
    const child = fork(file, [], { execArgv: NODE_ARGS, env });
    const rival = { child, url: '' };
    this.#running.set(name, rival);
    rival.url = await new Promise((resolve, reject) => {
      child.once('message', (/** @type {any} */ { url }) => resolve(url));
      child.once('exit', () => {
        if (this.#running.get(name) === rival) this.#onEnded(name);
        reject(new SetUpError(`the rival ${name} ended`));
      });
    });
  }

  stop(/** @type {string} */ name) {
    const rival = this.#running.get(name);
    this.#running.delete(name);
    rival?.child.kill();
  }

  stopAll() {
    for (const name of this.#running.keys()) this.stop(name);
  }

  /** @returns {string | undefined} where it serves; undefined where no such rival runs */
  urlOf(/** @type {string} */ name) {
    return this.#running.get(name)?.url;
  }

  /** @returns {[name: string, seconds: number][]} CPU used so far */
  cpuSeconds() {
    return [...this.#running].map(([name, { child }]) => [name, cpuSecondsOf(child.pid ?? 0)]);
  }
}
