import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

import { SetUpError } from '../../stack/run.mjs';

/** A script call costs less where the server finds the next one waiting: what is compared has as many under way. */
const CALLS_UNDER_WAY = 64;
const MAX_BATCH = 64;
const EPOCH = 1;
const HOUR_MS = 3_600_000;

const GET_DECR = `local n = tonumber(redis.call('GET', KEYS[1]))
if n and n > 0 then redis.call('DECR', KEYS[1]) return 1 end
return 0`;

/**
 * @typedef {{ saleId: string, productId: string }} Item
 * @typedef {Item & { orderId: string, shopperId: string, quantity: number, fingerprint: string, saleNamed: boolean }} Purchase
 * @typedef {{ usec: number, cpuUsec: number }} Cost of one decision in Redis: in the script, and of the whole process
 */

/** The product's own gate client, of the build, on one Redis that nobody else asks meanwhile. */
export class GateDriver {
  #gate;
  #slicesOf;
  #contracts;
  #connection;
  #runner;
  #keysOf;
  #redis;
  #named = 0;
  #baseline = {
    name: 'get-decr',
    keys: 1,
    sha1: createHash('sha1').update(GET_DECR).digest('hex'),
    text: GET_DECR,
  };

  /**
   * @param {{ redisUrl: string, redis: import('ioredis').Redis, settings?: Record<string, string> }} options `settings`:
   *   variables of the gate beside its defaults
   */
  constructor({ redisUrl, redis, settings: more = {} }) {
    const require = createRequire(import.meta.url);
    const gate = require('../../../dist/libs/gate/src/index.js');
    const { ScriptRunner } = require('../../../dist/libs/gate/src/script-runner.js');
    this.#contracts = require('../../../dist/libs/contracts/src/index.js');
    const settings = { REDIS_URL: redisUrl, FLUX_REDIS_COMMAND_TIMEOUT_MS: '60000', ...more };
    this.#connection = new gate.RedisConnection(gate.redisSettings.parse(settings));
    this.#gate = new gate.GateClient(this.#connection);
    this.#runner = new ScriptRunner(this.#connection);
    this.#keysOf = gate.itemKeys;
    this.#slicesOf = gate.slicesOf;
    this.#redis = redis;
  }

  /** Connects, and lets the server learn both scripts. */
  async start() {
    await this.#connection.whenReady();
    await this.#redis.set('get-decr', Number.MAX_SAFE_INTEGER);
    await this.#decrement();
    await this.decide(this.purchases(this.newItem(), 1), { batch: 1, expected: 'notReady' });
  }

  async stop() {
    await this.#redis.del('get-decr');
    this.#connection.close();
  }

  /** @param {{ productId?: string }} [options] @returns {Item} one that nothing has heard of */
  newItem({ productId = `product-${name()}` } = {}) {
    return { saleId: `sale-${name()}`, productId };
  }

  /** @param {Item} item @param {{ stock: number, opensAtMs?: number }} options */
  async open(item, { stock, opensAtMs = Date.now() - HOUR_MS }) {
    const { outcome } = await this.#gate.open({
      ...item,
      epoch: EPOCH,
      available: stock,
      perShopperLimit: 1,
      opensAtMs,
      closesAtMs: Date.now() + 24 * HOUR_MS,
      holdMs: HOUR_MS,
    });
    if (outcome !== 'opened') throw new SetUpError(`not valid: the item was ${outcome}, not opened`);
  }

  /** @param {Item} item @param {'pause' | 'close'} verb */
  async end(item, verb) {
    const { outcome } = await this.#gate[verb](item);
    if (outcome !== 'done') throw new SetUpError(`not valid: ${verb} was ${outcome}`);
  }

  /** Takes an item away: no relay must find it when the processes start again. @param {Item} item */
  async remove(item) {
    const { channel: _channel, ...keys } = this.#keysOf(item);
    await this.#redis.srem('outboxes', this.#contracts.itemName(item));
    await this.#redis.del(...Object.values(keys));
  }

  /** @param {Item} item @param {number} amount @returns {Purchase[]} of a new shopper each */
  purchases(item, amount) {
    return Array.from({ length: amount }, () => {
      this.#named += 1;
      return this.purchaseOf(item, `shopper-${String(this.#named).padStart(8, '0')}`);
    });
  }

  /** @param {Item} item @param {string} shopperId @returns {Purchase} with a key of its own */
  purchaseOf(item, shopperId) {
    this.#named += 1;
    const idempotencyKey = `key-${String(this.#named).padStart(12, '0')}`;
    const { orderIdOf, fingerprintOf } = this.#contracts;
    return {
      ...item,
      orderId: orderIdOf({ ...item, shopperId, idempotencyKey }),
      shopperId,
      quantity: 1,
      fingerprint: fingerprintOf({ ...item, quantity: 1 }),
      saleNamed: true,
    };
  }

  /** @param {Purchase} purchase @returns {Purchase} with another payload under the same key */
  changed(purchase) {
    const { saleId, productId } = purchase;
    return { ...purchase, fingerprint: this.#contracts.fingerprintOf({ saleId, productId, quantity: 2 }) };
  }

  /** @param {Purchase} purchase @param {string} expected @throws {SetUpError} where it is answered otherwise */
  async reserve(purchase, expected) {
    const { outcome } = await this.#gate.reserve(purchase);
    if (outcome !== expected) throw new SetUpError(`not valid: an answer was ${outcome}, not ${expected}`);
  }

  /**
   * Asks the gate in calls of exactly `batch` purchases.
   *
   * @param {readonly Purchase[]} purchases
   * @param {{ batch: number, expected: string, callsUnderWay?: number }} options
   * @throws {SetUpError} where one is answered otherwise
   */
  async decide(purchases, { batch, expected, callsUnderWay = CALLS_UNDER_WAY }) {
    const slices = this.#slicesOf(purchases, batch);
    await underWay(this.#slicesOf(slices, callsUnderWay), async (slice) => {
      const answers = await Promise.all(slice.map((purchase) => this.#gate.reserve(purchase)));
      const other = answers.find(({ outcome }) => outcome !== expected);
      if (other) throw new SetUpError(`not valid: an answer was ${other.outcome}, not ${expected}`);
    });
  }

  /**
   * What the decisions cost, in turns with as many calls of the two-line script, whose cost is `baseline`.
   *
   * @param {readonly Purchase[]} purchases
   * @param {{ batch: number, expected: string, turns: number, callsUnderWay?: number }} options
   * @returns {Promise<{ decision: Cost, baseline: Cost }>}
   */
  async compare(purchases, { batch, expected, turns, callsUnderWay = CALLS_UNDER_WAY }) {
    const decision = { usec: 0, cpuUsec: 0 };
    const baseline = { usec: 0, cpuUsec: 0 };
    const perTurn = Math.max(batch, Math.ceil(purchases.length / turns / batch) * batch);
    const parts = this.#slicesOf(purchases, perTurn);
    // A sample of the baseline that is as long as a turn of batches of 1.
    const baselineCalls = Math.ceil(purchases.length / parts.length);
    for (const part of parts) {
      const decrements = Array.from({ length: baselineCalls }, () => undefined);
      const groups = this.#slicesOf(decrements, callsUnderWay);
      add(baseline, await this.#costOf(baselineCalls, () => underWay(groups, () => this.#decrement())));
      const calls = Math.ceil(part.length / batch);
      add(decision, await this.#costOf(calls, () => this.decide(part, { batch, expected, callsUnderWay })));
    }
    return {
      decision: per(decision, purchases.length),
      baseline: per(baseline, baselineCalls * parts.length),
    };
  }

  /**
   * Fills a sale by calls of 64 and settles everything as it goes.
   *
   * @param {Item} item
   * @param {number} buyers
   * @param {{ log?: (line: string) => void }} [options]
   */
  async fill(item, buyers, { log = () => {} } = {}) {
    const CHUNK = MAX_BATCH * 256;
    for (let sold = 0; sold < buyers; sold += CHUNK) {
      const purchases = this.purchases(item, Math.min(CHUNK, buyers - sold));
      await this.decide(purchases, { batch: MAX_BATCH, expected: 'accepted' });
      await this.settle(item, sold + purchases.length);
      if ((sold / CHUNK) % 16 === 15) log(`  ${sold + purchases.length} of ${buyers} buyers`);
    }
  }

  /** Raises the watermark to the item's last order, as after a commit of all. @param {Item} item @param {number} sold */
  async settle(item, sold) {
    const { outbox } = this.#keysOf(item);
    const [last] = await this.#redis.xrevrange(outbox, '+', '-', 'COUNT', 1);
    const [id = '', fields = []] = last ?? [];
    const orders = (fields[fields.indexOf('orders') + 1] ?? '').split('\n');
    const watermarkOrderId = orders.at(-1)?.split(' ')[0] ?? '';
    if (id !== `${EPOCH}-${sold}`)
      throw new SetUpError(`not valid: the last entry is ${id}, not of order ${sold}`);
    const runs = [{ upTo: sold, atMs: Date.now() }];
    const request = { ...item, epoch: EPOCH, watermark: sold, watermarkOrderId, runs, states: [] };
    const { outcome } = await this.#gate.settle(request);
    if (outcome !== 'settled') throw new SetUpError(`not valid: settle answered ${outcome}`);
  }

  /** @returns {Promise<number>} what the data take in the server's memory, without what its clients take */
  async bytesInUse() {
    const memory = await this.#redis.info('memory');
    const [used, clients, file] = ['used_memory', 'mem_clients_normal', 'mem_aof_buffer'].map((field) =>
      numberIn(memory, `${field}:(\\d+)`),
    );
    return Number(used) - Number(clients) - Number(file);
  }

  /** @param {Item} item @returns {Promise<number>} what its keys take, counted element by element */
  async bytesOfKeys(item) {
    const { channel: _channel, ...keys } = this.#keysOf(item);
    const sizes = await Promise.all(
      Object.values(keys).map((key) => this.#redis.memory('USAGE', key, 'SAMPLES', 0)),
    );
    return sizes.reduce((/** @type {number} */ sum, size) => sum + Number(size ?? 0), 0);
  }

  async #decrement() {
    const call = { script: this.#baseline, keys: ['get-decr'], args: [] };
    if ((await this.#runner.run(call)) !== 1)
      throw new SetUpError('not valid: the two-line script took nothing');
  }

  /** @param {number} calls @param {() => Promise<void>} work */
  async #costOf(calls, work) {
    const before = await this.#counters();
    await work();
    const after = await this.#counters();
    if (after.calls - before.calls !== calls)
      throw new SetUpError(`not valid: Redis ran ${after.calls - before.calls} scripts, not ${calls}`);
    return { usec: after.usec - before.usec, cpuUsec: after.cpuUsec - before.cpuUsec };
  }

  async #counters() {
    const info = await this.#redis.info('everything');
    const seconds = ['user', 'sys'].map((kind) => numberIn(info, `used_cpu_${kind}_main_thread:([\\d.]+)`));
    return {
      calls: numberIn(info, 'cmdstat_evalsha:calls=(\\d+)'),
      usec: numberIn(info, 'cmdstat_evalsha:calls=\\d+,usec=(\\d+)'),
      cpuUsec: seconds.reduce((sum, part) => sum + part, 0) * 1_000_000,
    };
  }
}

/**
 * Begins one piece of work in each turn of the event loop, so that the gate collects no two of them into one call.
 *
 * @template Piece
 * @param {readonly (readonly Piece[])[]} groups each is begun when all of the one before are done
 * @param {(piece: Piece) => Promise<void>} work
 */
async function underWay(groups, work) {
  for (const group of groups) {
    const begun = [];
    for (const piece of group) {
      begun.push(work(piece));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(begun);
  }
}

/** @param {Cost} sum @param {Cost} cost */
function add(sum, { usec, cpuUsec }) {
  sum.usec += usec;
  sum.cpuUsec += cpuUsec;
}

/** @param {Cost} cost @param {number} decisions @returns {Cost} */
function per({ usec, cpuUsec }, decisions) {
  return { usec: usec / decisions, cpuUsec: cpuUsec / decisions };
}

/** @param {string} text @param {string} pattern with one group */
function numberIn(text, pattern) {
  const [, digits] = new RegExp(`^${pattern}`, 'm').exec(text) ?? [];
  if (digits === undefined) throw new SetUpError(`not valid: Redis' INFO has no ${pattern}`);
  return Number(digits);
}

function name() {
  return randomBytes(4).toString('hex');
}
