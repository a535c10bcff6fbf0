import { performance } from 'node:perf_hooks';

import { pause } from '../stack/run.mjs';
import { joinedAtUs } from './line-client.mjs';

/** After an answer that says that something does not answer, or after none. */
const RETRY_MS = 500;

/**
 * How a shopper comes: gateway, connection, and how they hear of their turn.
 *
 * @typedef {{ gateway: number, keeps: boolean, follows: boolean }} Way
 */

/** @type {readonly Way[]} one for each four of five ways: every fourth shopper follows events */
export const WAYS = Array.from({ length: 32 }, (_, index) => ({
  gateway: index % 4,
  keeps: (index >> 2) % 2 === 0,
  follows: index >> 3 === 3,
}));

/** @param {Way} way @returns {readonly string[]} the class of the way in each respect */
export function classesOf({ gateway, keeps, follows }) {
  return [
    `gateway ${gateway + 1}`,
    keeps ? 'kept connection' : 'new connections',
    follows ? 'follows events' : 'looks',
  ];
}

/**
 * What became of one shopper, by the harness's own record. Times are `performance.now()` unless told otherwise.
 *
 * @typedef {object} Visit
 * @property {string} shopper
 * @property {Way} way
 * @property {number} dueMs when they were meant to join
 * @property {number} sentMs when they sent it
 * @property {number} answeredMs when they were answered that they are in line
 * @property {number} joinedAtUs as their ticket says, by the clock of Redis
 * @property {string} [ticketId]
 * @property {number} [goodFromMs] from when their pass is good, by the clock of Redis
 * @property {number} [passAtMs] when they had it
 * @property {number} [boughtAtMs]
 * @property {string} [orderId]
 * @property {'turn' | 'soldOut' | 'open' | 'gone' | 'gave up'} [end]
 * @property {number} [endedMs] when they were told
 * @property {number} retries of joining, looking and buying, that were answered 503 or not at all
 * @property {number} early looks that were answered 429
 * @property {number} rejoins because the place was lost
 * @property {Record<string, number>} refusals of the purchase by code
 */

/** Shoppers in one sale's line. */
export class Shoppers {
  #client;
  #urls;
  #item;
  #passMs;
  #patienceMs;
  isOver = false;

  /**
   * @param {object} options
   * @param {import('./line-client.mjs').LineClient} options.client
   * @param {() => readonly string[]} options.urls addresses of the gateways now
   * @param {{ saleId: string, productId: string }} options.item
   * @param {number} options.passMs how long a pass of the sale is good
   * @param {number} [options.patienceMs] for the turn
   */
  constructor({ client, urls, item, passMs, patienceMs = 600_000 }) {
    this.#client = client;
    this.#urls = urls;
    this.#item = item;
    this.#passMs = passMs;
    this.#patienceMs = patienceMs;
  }

  /**
   * Everybody comes at their time, whatever became of those before.
   *
   * @template T
   * @param {readonly { atMs: number }[]} planned in order
   * @param {(index: number, dueMs: number) => Promise<T>} live
   * @returns {Promise<T[]>}
   */
  static async come(planned, live) {
    const startedAt = performance.now();
    /** @type {Promise<T>[]} */
    const lives = [];
    while (lives.length < planned.length) {
      const dueMs = startedAt + planned[lives.length].atMs;
      const ahead = dueMs - performance.now();
      // Timers are no finer than a millisecond.
      if (ahead > 0.5) await pause(Math.max(1, Math.floor(ahead)));
      else {
        const life = live(lives.length, dueMs);
        // Whoever fails is heard of when all have come.
        life.catch(() => {});
        lives.push(life);
      }
    }
    return Promise.all(lives);
  }

  /**
   * Joins, and waits as told until the end.
   *
   * @param {{ shopper: string, way: Way, dueMs: number }} who
   * @returns {Promise<Visit & { pass?: string }>}
   */
  async queue({ shopper, way, dueMs }) {
    /** @type {Visit & { pass?: string, ticket?: string }} */
    const visit = {
      ...{ shopper, way, dueMs, sentMs: performance.now(), answeredMs: Infinity, joinedAtUs: NaN },
      ...{ retries: 0, early: 0, rejoins: 0, refusals: {} },
    };
    let answer = await this.#join(visit);
    visit.answeredMs = performance.now();
    const deadline = performance.now() + this.#patienceMs;
    while (!this.#ends(visit, answer)) {
      if (performance.now() > deadline || this.isOver) {
        visit.end = 'gave up';
        visit.endedMs = performance.now();
        break;
      }
      answer = await (way.follows ? this.#follow(visit, answer) : this.#look(visit, answer));
    }
    return visit;
  }

  /**
   * Buys with the pass, and again with the same key until it is decided.
   *
   * @param {Visit & { pass?: string }} visit
   * @param {string} [key]
   */
  async buy(visit, key = `key-of-${visit.shopper}`.padEnd(16, '-')) {
    if (visit.pass === undefined) return;
    for (;;) {
      const { shopper, pass } = visit;
      const reply = await this.#client.buy(this.#base(visit), this.#item, {
        ...visit.way,
        shopper,
        pass,
        key,
      });
      if (reply.status === 202) {
        visit.orderId = reply.body.orderId;
        visit.boughtAtMs = reply.answeredMs;
        return;
      }
      const again = isPassing(reply) && performance.now() - Number(visit.passAtMs) < this.#passMs;
      if (!again) {
        const code = reply.body.code ?? String(reply.status);
        visit.refusals[code] = (visit.refusals[code] ?? 0) + 1;
        return;
      }
      visit.retries += 1;
      await pause(RETRY_MS);
    }
  }

  /** @param {Visit} visit @returns the next gateway's address where the own one is gone */
  #base({ way }) {
    const urls = this.#urls();
    return urls[way.gateway % urls.length];
  }

  /** @param {Visit & { ticket?: string }} visit */
  async #join(visit) {
    const { shopper, way } = visit;
    for (;;) {
      const ticket = visit.ticket === undefined ? {} : { ticket: visit.ticket };
      const { saleId } = this.#item;
      const reply = await this.#client.join(this.#base(visit), saleId, {
        keeps: way.keeps,
        shopper,
        ...ticket,
      });
      if (reply.status === 200 || reply.status === 201) {
        const isFirst = visit.ticket === undefined;
        visit.ticket = reply.body.ticket ?? visit.ticket;
        visit.ticketId = reply.body.ticketId;
        if (isFirst && visit.ticket !== undefined) visit.joinedAtUs = joinedAtUs(visit.ticket);
        return reply.body;
      }
      if (!isPassing(reply)) return { status: 'gone', code: reply.body.code };
      visit.retries += 1;
      await pause(RETRY_MS);
    }
  }

  /** @param {Visit & { ticket?: string }} visit @param {any} before @returns {Promise<any>} */
  async #look(visit, before) {
    await pause(before.askAgainMs);
    const { ticket } = visit;
    const { saleId } = this.#item;
    const reply = await this.#client.look(this.#base(visit), saleId, { keeps: visit.way.keeps, ticket });
    if (reply.status === 200 || reply.status === 202) {
      visit.ticket = reply.body.ticket ?? visit.ticket;
      return reply.body;
    }
    if (reply.status === 404) return this.#rejoin(visit);
    if (reply.status === 429) {
      visit.early += 1;
      return { ...before, askAgainMs: Math.max(RETRY_MS, reply.retryAfterMs) };
    }
    if (!isPassing(reply)) return { status: 'gone', code: reply.body.code };
    visit.retries += 1;
    return { ...before, askAgainMs: RETRY_MS };
  }

  /** @param {Visit & { ticket?: string }} visit @param {any} before @returns {Promise<any>} */
  async #follow(visit, before) {
    let last = before;
    const { saleId } = this.#item;
    const url = `${this.#base(visit)}/v1/sales/${saleId}/queue/events?ticket=${visit.ticket}`;
    await this.#client.follow(url, (answer) => {
      last = answer;
    });
    // An EventSource comes back; somebody whose place is lost is answered so only at a look.
    if (last.status !== 'waiting' && last.status !== 'lobby') return last;
    visit.retries += 1;
    return this.#look(visit, { ...last, askAgainMs: RETRY_MS });
  }

  /** @param {Visit & { ticket?: string }} visit */
  #rejoin(visit) {
    visit.rejoins += 1;
    return this.#join(visit);
  }

  /** @param {Visit & { pass?: string }} visit @param {any} answer */
  #ends(visit, answer) {
    if (answer.status === 'waiting' || answer.status === 'lobby') return false;
    visit.end = answer.status;
    visit.endedMs = performance.now();
    if (answer.status === 'turn') {
      visit.pass = answer.pass;
      visit.passAtMs = visit.endedMs;
      visit.goodFromMs = Date.parse(answer.passExpiresAt) - this.#passMs;
    }
    return true;
  }
}

/** It may be otherwise in a moment. @param {import('./line-client.mjs').Reply} reply */
function isPassing({ status }) {
  return status === 0 || status === 503;
}
