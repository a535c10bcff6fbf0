import { performance } from 'node:perf_hooks';

/** What the answers of a burst add up to. */
export class Tally {
  #startedAt = performance.now();
  #elapsedMs = 0;
  /** @type {number[]} */
  #tookMs = [];
  /** @type {Set<string>} */
  #orders = new Set();
  attempts = 0;
  accepted = 0;
  replayed = 0;
  soldOut = 0;
  limit = 0;
  errors = 0;
  /** @type {Map<string, number>} */
  errorsByKind = new Map();
  /** When the client heard of the last new order: `performance.now()`. */
  #lastHeardAt = 0;

  /**
   * @param {import('./crowd.mjs').Answer} answer
   * @returns {boolean} whether it told of an order for the first time
   */
  add(answer) {
    this.attempts += 1;
    if (answer.status === undefined) return this.#error(`no answer: ${answer.failure}`);
    this.#tookMs.push(answer.tookMs);
    if (answer.status === 202) return this.#accept(answer);
    const { code = 'no code' } = fieldsOf(answer.body);
    if (code === 'sold-out') this.soldOut += 1;
    else if (code === 'shopper-limit') this.limit += 1;
    else this.#error(`${answer.status} ${code}`);
    return false;
  }

  /** @param {import('./crowd.mjs').Answer} answer */
  #accept({ body, replayed }) {
    if (replayed) this.replayed += 1;
    else this.accepted += 1;
    const { orderId = '' } = fieldsOf(body);
    if (this.#orders.has(orderId)) return false;
    this.#orders.add(orderId);
    this.#lastHeardAt = performance.now();
    return true;
  }

  /** @param {string} kind */
  #error(kind) {
    this.errors += 1;
    this.errorsByKind.set(kind, (this.errorsByKind.get(kind) ?? 0) + 1);
    return false;
  }

  end() {
    this.#elapsedMs = performance.now() - this.#startedAt;
  }

  /** Different orders that clients have a 202 for; a first answer that was lost counts by its replay. */
  get acceptedOrders() {
    return this.#orders.size;
  }

  get elapsedMs() {
    return this.#elapsedMs || performance.now() - this.#startedAt;
  }

  /** From the first attempt to the last accepted order. */
  get sellingMs() {
    return this.#lastHeardAt - this.#startedAt;
  }

  /** @param {number[]} shares @returns {number[]} times of the answers at these shares of them, in milliseconds */
  percentilesMs(...shares) {
    return percentiles(this.#tookMs, shares);
  }
}

/**
 * @param {readonly number[]} values
 * @param {readonly number[]} shares
 * @returns {number[]} the values below which these shares of them lie
 */
export function percentiles(values, shares) {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** @param {string} body */
function fieldsOf(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}
