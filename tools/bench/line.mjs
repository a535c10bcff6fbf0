import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

import { SetUpError } from '../stack/run.mjs';
import { percentile } from './result.mjs';

const FULL = { waiting: [10_000, 100_000, 1_000_000], looks: 20_000, ticks: 200 };
const SMOKE = { waiting: [1_000], looks: 200, ticks: 5 };
/** Looks that one gateway has under way at once: what shares a turn of its event loop shares a call. */
const AT_ONCE = 64;
const HOUR_MS = 3_600_000;

/**
 * What a long line costs: Redis memory of a waiting shopper, and the time that a join, a look and a tick take in Redis (by
 * `INFO commandstats`) and, for a look, until its answer, with so many shoppers waiting.
 *
 * @param {{ smoke?: boolean }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function line({ smoke = false }) {
  const sizes = smoke ? SMOKE : FULL;
  const largest = sizes.waiting.at(-1) ?? 0;
  return {
    name: 'line',
    rounds: 3,
    bars: [{ metric: `bytes of a waiting shopper, ${largest}`, atMost: 120 }],
    prepare: async (system) => {
      // Their own scripts would be counted too.
      for (const app of ['gateway', 'relay', 'orders', 'admin']) await system.stopApp(app);
    },
    round: async (system, log) => {
      /** @type {import('./result.mjs').Measured[]} */
      const rows = [];
      for (const waiting of sizes.waiting) {
        log(`  ${waiting} waiting`);
        const room = new LongLine(system);
        rows.push(...(await room.measure({ ...sizes, waiting })));
        await room.remove();
      }
      return rows;
    },
    finish: async (system) => {
      for (const app of ['gateway', 'relay', 'orders', 'admin']) {
        await system.startApp(/** @type {import('./system.mjs').AppName} */ (app));
      }
    },
  };
}

/** A room of the product's own client, of the build, on a Redis that nobody else asks meanwhile. */
class LongLine {
  #redis;
  #room;
  #connection;
  #library;
  #saleId = `sale-${randomBytes(4).toString('hex')}`;
  /** @type {string[]} */
  #ticketIds = [];

  /** @param {import('./system.mjs').BenchSystem} system */
  constructor({ redis, redisUrl }) {
    const require = createRequire(import.meta.url);
    const gate = require('../../dist/libs/gate/src/index.js');
    this.#library = require('../../dist/libs/waiting-room/src/index.js');
    const settings = { REDIS_URL: redisUrl, FLUX_REDIS_COMMAND_TIMEOUT_MS: '60000' };
    this.#connection = new gate.RedisConnection(gate.redisSettings.parse(settings));
    this.#room = new this.#library.RoomClient(this.#connection);
    this.#redis = redis;
  }

  /**
   * @param {{ waiting: number, looks: number, ticks: number }} sizes
   * @returns {Promise<import('./result.mjs').Measured[]>}
   */
  async measure({ waiting, looks, ticks }) {
    await this.#connection.whenReady();
    await this.#open();
    const before = await this.#usedBytes();
    const join = await this.#cost(waiting, () => this.#fill(waiting));
    const bytes = ((await this.#usedBytes()) - before) / waiting;
    /** @type {number[]} */
    const tookMs = [];
    const look = await this.#cost(looks, () => this.#look(looks, tookMs));
    const tick = await this.#cost(ticks, () => this.#tick(ticks));
    const of = (/** @type {string} */ what) => `${what}, ${waiting}`;
    return [
      { metric: of('bytes of a waiting shopper'), unit: '', value: bytes },
      { metric: of('a join in Redis'), unit: 'us', value: join },
      { metric: of('a look in Redis'), unit: 'us', value: look },
      { metric: of('a tick in Redis'), unit: 'us', value: tick },
      { metric: of('64 looks at once until answered, p50'), unit: 'ms', value: percentile(tookMs, 0.5) },
      { metric: of('64 looks at once until answered, p99'), unit: 'ms', value: percentile(tookMs, 0.99) },
    ];
  }

  async remove() {
    await this.#redis.del(...Object.values(this.#library.roomKeys(this.#saleId)));
    this.#connection.close();
  }

  /** Nobody is called, so that nobody leaves the line. */
  async #open() {
    const opensAtMs = Date.now() - HOUR_MS;
    await this.#room.publish(
      {
        saleId: this.#saleId,
        version: 1,
        mode: 'closed',
        ratePerSecond: 10_000,
        passMs: 120_000,
        longestPollMs: 10_000,
        silentMs: 30_000,
        graceMs: 120_000,
        opensAtMs,
        lobbyOpensAtMs: opensAtMs,
        closesAtMs: Date.now() + 24 * HOUR_MS,
        salt: randomBytes(32).toString('hex'),
      },
      false,
    );
  }

  async #fill(/** @type {number} */ waiting) {
    const salt = randomBytes(32).toString('hex');
    for (let from = 0; from < waiting; from += AT_ONCE) {
      const ids = Array.from({ length: Math.min(AT_ONCE, waiting - from) }, (_, index) =>
        this.#library.ticketIdOf(salt, `shopper-${from + index}`),
      );
      await this.#visit('join', ids);
      this.#ticketIds.push(...ids);
    }
  }

  async #look(/** @type {number} */ looks, /** @type {number[]} */ tookMs) {
    for (let done = 0; done < looks; done += AT_ONCE) {
      const ids = Array.from({ length: Math.min(AT_ONCE, looks - done) }, () => {
        return this.#ticketIds[Math.floor(Math.random() * this.#ticketIds.length)] ?? '';
      });
      const startedAt = performance.now();
      await this.#visit('look', ids);
      tookMs.push(performance.now() - startedAt);
    }
  }

  async #visit(/** @type {'join' | 'look'} */ verb, /** @type {string[]} */ ticketIds) {
    const outcomes = await Promise.all(
      ticketIds.map((ticketId) => this.#room.visit(this.#saleId, { verb, ticketId, place: undefined })),
    );
    const wrong = outcomes.find(({ outcome }) => outcome !== 'waiting');
    if (wrong) throw new SetUpError(`not valid: a ${verb} was answered ${wrong.outcome}`);
  }

  async #tick(/** @type {number} */ ticks) {
    for (let done = 0; done < ticks; done++) {
      await this.#room.tick({
        saleId: this.#saleId,
        attempts: 100,
        available: 0,
        isOver: false,
        wasOn: false,
        bought: [],
      });
    }
  }

  /** @returns {Promise<number>} microseconds of scripts for each of so many */
  async #cost(/** @type {number} */ amount, /** @type {() => Promise<void>} */ work) {
    await this.#redis.config('RESETSTAT');
    await work();
    const stats = await this.#redis.info('commandstats');
    const used = [...stats.matchAll(/^cmdstat_evalsha:calls=\d+,usec=(\d+)/gm)].map(([, usec]) =>
      Number(usec),
    );
    return used.reduce((sum, usec) => sum + usec, 0) / amount;
  }

  async #usedBytes() {
    return Number(/used_memory:(\d+)/.exec(await this.#redis.info('memory'))?.[1] ?? 0);
  }
}
