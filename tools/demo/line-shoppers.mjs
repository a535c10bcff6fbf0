import { hash } from 'node:crypto';
import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import { arrivalTimes } from '../bench/load/arrivals.mjs';
import { purchase } from './crowd.mjs';

const RETRY_MS = 1_000;

/**
 * One shopper's way through the line. Times in ms from the beginning, by the client's clock.
 *
 * @typedef {object} Visit
 * @property {number} sentAt when the shopper came to buy
 * @property {number} [joiningAt] when the line was asked for a place
 * @property {number} [joinedAt] when it had answered
 * @property {number} [stampAt] when the place was given, by the server's clock, as Date.now()
 * @property {number} [place] at the first look
 * @property {number} [calledAt] from when the pass was good, by the server's clock, as Date.now()
 * @property {number} [turnAt] when the client heard of it
 * @property {number} [boughtAt]
 * @property {'outside' | 'inside' | 'soldOut' | 'none'} end `outside`: bought without a pass; `none`: nothing yet
 */

/** Shoppers who come at their own times, join the line when they are sent there, look as they are told, and buy. */
export class LineShoppers {
  #options;
  #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  #startedAt = performance.now();
  #stopped = false;
  /** @type {Visit[]} */
  visits = [];

  /**
   * @param {{ gatewayUrls: readonly string[], sale: { saleId: string, productId: string }, seed: number,
   *   onAnswer: (answer: import('./crowd.mjs').Answer) => void }} options
   */
  constructor(options) {
    this.#options = options;
  }

  /** @param {{ amount: number, perSecond: number }} crowd @returns {Promise<void>} when nobody waits any more */
  async run({ amount, perSecond }) {
    const times = arrivalTimes({ amount, perSecond, seed: `crowd-${this.#options.seed}` });
    this.#startedAt = performance.now();
    await Promise.all(Array.from(times, (atMs, index) => this.#shop(atMs, index)));
    this.#agent.destroy();
  }

  /** Nobody looks again. */
  stop() {
    this.#stopped = true;
  }

  progress() {
    const count = (/** @type {(visit: Visit) => boolean} */ of) =>
      this.visits.filter(of).length.toLocaleString('en');
    return [
      `${count(() => true)} came`,
      `${count(({ end }) => end === 'outside')} bought before the room went on`,
      `${count(({ end, joinedAt }) => end === 'none' && joinedAt !== undefined)} wait`,
      `${count(({ end }) => end === 'inside')} bought with a pass`,
      `${count(({ end }) => end === 'soldOut')} told that it is sold out`,
    ].join('  ');
  }

  async #shop(/** @type {number} */ atMs, /** @type {number} */ index) {
    await pause(Math.max(0, this.#startedAt + atMs - performance.now()));
    const { gatewayUrls, sale, seed } = this.#options;
    const gatewayUrl = gatewayUrls[index % gatewayUrls.length];
    const attempt = {
      ...sale,
      shopperId: `shopper-${String(index + 1).padStart(5, '0')}`,
      idempotencyKey: hash('sha256', `crowd:${seed}:${index}`, 'base64url').slice(0, 22),
      quantity: 1,
    };
    /** @type {Visit} */
    const visit = { sentAt: this.#now(), end: 'none' };
    this.visits.push(visit);
    const status = await this.#buy({ gatewayUrl, attempt });
    if (status === 202) visit.end = 'outside';
    else await this.#queue({ gatewayUrl, attempt, visit });
  }

  /** @param {{ gatewayUrl: string, attempt: import('./plan.mjs').Attempt, visit: Visit }} shopper */
  async #queue({ gatewayUrl, attempt, visit }) {
    const url = `${gatewayUrl}/v1/sales/${attempt.saleId}/queue`;
    visit.joiningAt = this.#now();
    let answer = await this.#ask(url, { method: 'POST', headers: { 'x-shopper-id': attempt.shopperId } });
    const { ticket = '', place, joinedAt } = answer;
    visit.stampAt = Date.parse(joinedAt);
    visit.joinedAt = this.#now();
    visit.place = place;
    while (!this.#stopped) {
      if (answer.status === 'turn') {
        visit.turnAt = this.#now();
        visit.calledAt = Date.parse(answer.passExpiresAt);
        const status = await this.#buy({ gatewayUrl, attempt, pass: answer.pass });
        visit.end = status === 202 ? 'inside' : 'soldOut';
        visit.boughtAt = this.#now();
        return;
      }
      if (answer.status === 'soldOut') {
        visit.end = 'soldOut';
        return;
      }
      if (answer.status === 'open') {
        const status = await this.#buy({ gatewayUrl, attempt });
        if (status === 202) visit.end = 'outside';
        else if (status === 409) visit.end = 'soldOut';
        if (visit.end !== 'none') return;
      }
      await pause(answer.askAgainMs);
      answer = await this.#ask(url, { method: 'GET', headers: { 'x-ticket': ticket } });
    }
  }

  /**
   * @param {{ gatewayUrl: string, attempt: import('./plan.mjs').Attempt, pass?: string }} options
   * @returns {Promise<number | undefined>} the status; undefined without an answer
   */
  async #buy({ gatewayUrl, attempt, pass }) {
    const url = new URL('/v1/orders', gatewayUrl);
    const answer = await purchase({ url, agent: this.#agent, attempt, pass });
    this.#options.onAnswer(answer);
    return answer.status;
  }

  /** @param {string} url @param {{ method: string, headers: Record<string, string> }} init @returns {Promise<any>} */
  async #ask(url, init) {
    while (!this.#stopped) {
      const response = await fetch(url, init).catch(() => undefined);
      const body = await response?.json().catch(() => undefined);
      if (response?.ok && body) return body;
      if (response?.status === 409) return { status: 'soldOut' };
      await pause(RETRY_MS);
    }
    return { status: 'none', askAgainMs: RETRY_MS };
  }

  #now() {
    return performance.now() - this.#startedAt;
  }
}
