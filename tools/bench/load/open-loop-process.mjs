// The process of an open loop. Its parent tells it what to do; it says `begun`, and at the end what became of it all.
import { performance } from 'node:perf_hooks';

import { arrivalTimes } from './arrivals.mjs';
import { Connection } from './connection.mjs';

/** Longer than any time limit of the gateway: what is not answered then never will be. */
const PATIENCE_MS = 30_000;

class OpenLoop {
  #options;
  /** When each purchase is meant to be sent, in ms from the beginning. */
  #times;
  #latenciesMs;
  #lateMs;
  #head;
  #tail;
  /** @type {Connection[]} used in turn, so that the gateway closes none because it was idle */
  #free = [];
  #startedAt = 0;
  #sent = 0;
  #answered = 0;
  #accepted = 0;
  #replayed = 0;
  /** @type {Record<string, number>} */
  #others = {};
  #stopped = false;
  #end = () => {};

  /** @param {import('./open-loop.mjs').OpenLoopOptions} options */
  constructor(options) {
    const { amount, saleId, productId } = options;
    this.#options = options;
    this.#times = arrivalTimes(options);
    this.#latenciesMs = new Float64Array(amount);
    this.#lateMs = new Float64Array(amount);
    const body = JSON.stringify({ productId, saleId, quantity: 1 });
    const head = ['POST /v1/orders HTTP/1.1', 'Host: bench', 'Content-Type: application/json'];
    this.#head = `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n`;
    this.#tail = `\r\n\r\n${body}`;
  }

  /** All connections before the first purchase, so that none waits for one to be opened. */
  async connect() {
    const url = new URL(this.#options.url);
    const { connections = 1 } = this.#options;
    this.#free = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  }

  /** @returns {Promise<import('./open-loop.mjs').OpenLoopResult>} when the last purchase is answered */
  async run() {
    const cpuBefore = process.cpuUsage();
    this.#startedAt = performance.now();
    await new Promise((resolve) => {
      this.#end = () => resolve(undefined);
      setTimeout(this.#end, (this.#times.at(-1) ?? 0) + PATIENCE_MS);
      this.#tick();
    });
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      asked: this.#sent,
      accepted: this.#accepted,
      replayed: this.#replayed,
      others: this.#others,
      seconds: (this.#times[this.#sent - 1] ?? 0) / 1_000,
      latenciesMs: this.#latenciesMs.slice(0, this.#accepted),
      lateMs: this.#lateMs.slice(0, this.#sent),
      cpuSeconds: (user + system) / 1e6,
    };
  }

  /** Sends no more; what is under way is still waited for. */
  stop() {
    this.#stopped = true;
    this.#endWhenAnswered();
  }

  /** Timers are no finer than a millisecond; answers that come in between are looked at too, as they cost nothing. */
  #tick() {
    this.#sendDue();
    const dueAt = this.#times[this.#sent];
    if (dueAt === undefined || this.#stopped) return;
    setTimeout(() => this.#tick(), Math.max(1, Math.floor(this.#startedAt + dueAt - performance.now())));
  }

  #sendDue() {
    const sinceStartMs = performance.now() - this.#startedAt;
    for (;;) {
      const dueAt = this.#times[this.#sent];
      if (dueAt === undefined || dueAt > sinceStartMs || this.#stopped) return;
      const connection = this.#takeConnection();
      // The next answer brings one back, and sends what is due.
      if (!connection) return;
      this.#lateMs[this.#sent] = sinceStartMs - dueAt;
      this.#sent += 1;
      this.#send(connection, this.#sent, dueAt);
    }
  }

  #takeConnection() {
    let connection = this.#free.shift();
    while (connection && !connection.isOpen) {
      this.#replaceOne();
      connection = this.#free.shift();
    }
    return connection;
  }

  /** A gateway ends a connection after some thousand requests. */
  #replaceOne() {
    Connection.open(new URL(this.#options.url)).then(
      (connection) => {
        this.#free.push(connection);
        this.#sendDue();
      },
      // Its purchases wait for the other connections, and count as late.
      () => {},
    );
  }

  #send(/** @type {Connection} */ connection, /** @type {number} */ number, /** @type {number} */ dueAt) {
    const { seed } = this.#options;
    const key = `${seed}-${String(number).padStart(16, '0')}`;
    const request = `${this.#head}Idempotency-Key: ${key}\r\nx-shopper-id: ${seed}-${number}${this.#tail}`;
    connection.send(request, (status, replayed) => {
      this.#free.push(connection);
      this.#count(status, replayed, performance.now() - this.#startedAt - dueAt);
      this.#sendDue();
      this.#endWhenAnswered();
    });
  }

  #count(/** @type {number} */ status, /** @type {boolean} */ replayed, /** @type {number} */ tookMs) {
    this.#answered += 1;
    if (status !== 202) {
      this.#others[status] = (this.#others[status] ?? 0) + 1;
      return;
    }
    this.#latenciesMs[this.#accepted] = tookMs;
    this.#accepted += 1;
    if (replayed) this.#replayed += 1;
  }

  #endWhenAnswered() {
    const allSent = this.#stopped || this.#sent === this.#options.amount;
    if (allSent && this.#answered === this.#sent) this.#end();
  }
}

/** @param {import('./open-loop.mjs').OpenLoopOptions} options */
async function main(options) {
  const loop = new OpenLoop(options);
  await loop.connect();
  process.once('message', () => loop.stop());
  process.send?.('begun');
  process.send?.(await loop.run(), () => process.exit());
}

process.once('message', (/** @type {any} */ options) => void main(options));
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the parent ends this one when it has stopped what it started.
process.on('SIGINT', () => {});
