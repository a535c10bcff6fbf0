import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Longer than any time limit of the gateway. */
const TIMEOUT_MS = 15_000;

/** Buys over connections that are kept; each purchase is another shopper's. */
export class Buyer {
  #agent;
  #url;
  #item;
  #asked = 0;
  #name = randomUUID().slice(0, 8);

  /** @param {{ gatewayUrl: string, saleId: string, productId: string, connections: number }} options */
  constructor({ gatewayUrl, saleId, productId, connections }) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#url = new URL('/v1/orders', gatewayUrl);
    this.#item = JSON.stringify({ saleId, productId, quantity: 1 });
  }

  /** @returns {Promise<{ status: number, tookMs: number }>} status 0 where there was no answer */
  buy() {
    const startedAt = performance.now();
    this.#asked += 1;
    const shopper = `${this.#name}-${this.#asked}`;
    return new Promise((resolve) => {
      const done = (/** @type {number} */ status) =>
        resolve({ status, tookMs: performance.now() - startedAt });
      const call = request(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          timeout: TIMEOUT_MS,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(this.#item),
            'idempotency-key': `${shopper}-0123456789abcdef`,
            'x-shopper-id': shopper,
          },
        },
        (response) => {
          response.resume();
          response.on('error', () => done(0));
          response.on('end', () => done(response.statusCode ?? 0));
        },
      );
      call.on('timeout', () => call.destroy(new Error('timeout')));
      call.on('error', () => done(0));
      call.end(this.#item);
    });
  }

  /**
   * One purchase after the other on each connection, until so many are accepted.
   *
   * @param {number} units
   * @param {number} concurrency
   * @throws where one is not accepted
   */
  async buyAll(units, concurrency) {
    let left = units;
    const client = async () => {
      while (left > 0) {
        left -= 1;
        const { status } = await this.buy();
        if (status !== 202) throw new Error(`a purchase was answered ${status || 'not at all'}`);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, client));
  }

  /**
   * Buys at a steady rate, whatever the answers take, until told to stop.
   *
   * @param {number} perSecond
   * @returns {() => Promise<{ status: number, tookMs: number }[]>} stops, and resolves with all answers
   */
  buySteadily(perSecond) {
    const startedAt = performance.now();
    /** @type {Promise<{ status: number, tookMs: number }>[]} */
    const purchases = [];
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond);
      while (purchases.length < due) purchases.push(this.buy());
    }, 5);
    return async () => {
      clearInterval(timer);
      return Promise.all(purchases);
    };
  }

  /** How many purchases were asked for. */
  get asked() {
    return this.#asked;
  }

  close() {
    this.#agent.destroy();
  }
}
