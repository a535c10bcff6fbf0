import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Longer than any time limit of the gateway. */
const TIMEOUT_MS = 15_000;

/**
 * @typedef {object} Reply
 * @property {number} status 0 where there was no answer
 * @property {any} body JSON; empty where it is none
 * @property {number} sentMs `performance.now()` when it was sent
 * @property {number} answeredMs when its last byte came
 * @property {number} retryAfterMs 0 where the answer names none
 *
 * @typedef {{ keeps: boolean, shopper?: string, ticket?: string, pass?: string, key?: string }} Sender `keeps`: over a
 *   connection that is kept, else over a new one
 */

/**
 * The shop's API, as shoppers' browsers call it. A connection that is kept waits for nobody: where all are busy another
 * one is opened. Never rejects: no answer is an answer, too.
 */
export class LineClient {
  #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1_024, timeout: TIMEOUT_MS });
  /** Requests and events by the second in which they came. @type {Map<number, number>} */
  #perSecond = new Map();

  /** @param {string} base address of a gateway @param {string} saleId @param {Sender} sender */
  join(base, saleId, sender) {
    return this.#ask(`${base}/v1/sales/${saleId}/queue`, 'POST', sender);
  }

  /** @param {string} base @param {string} saleId @param {Sender} sender */
  look(base, saleId, sender) {
    return this.#ask(`${base}/v1/sales/${saleId}/queue`, 'GET', sender);
  }

  /** @param {string} base @param {{ saleId: string, productId: string }} item @param {Sender} sender */
  buy(base, { saleId, productId }, sender) {
    return this.#ask(`${base}/v1/orders`, 'POST', sender, JSON.stringify({ saleId, productId, quantity: 1 }));
  }

  /** @param {string} base @param {string} orderId @param {Sender} sender */
  order(base, orderId, sender) {
    return this.#ask(`${base}/v1/orders/${orderId}`, 'GET', sender);
  }

  /**
   * Follows somebody's place as an EventSource would, until the stream ends.
   *
   * @param {string} url
   * @param {(answer: any, atMs: number) => void} onPlace
   * @returns {Promise<void>}
   */
  follow(url, onPlace) {
    this.#count();
    return new Promise((resolve) => {
      const call = request(url, { agent: false, headers: { accept: 'text/event-stream' } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          const events = (text + chunk).split('\n\n');
          text = events.pop() ?? '';
          for (const event of events) {
            const data = /^data: ?(.*)$/m.exec(event)?.[1];
            if (data === undefined || response.statusCode !== 200) continue;
            this.#count();
            onPlace(JSON.parse(data), performance.now());
          }
        });
        response.on('close', () => resolve());
      });
      call.on('error', () => resolve());
      call.end();
    });
  }

  /** @returns {readonly number[]} how many requests and events there were in each second since the first one */
  load() {
    const seconds = [...this.#perSecond.keys()];
    const first = Math.min(...seconds);
    return Array.from({ length: Math.max(...seconds) - first + 1 }, (_, index) =>
      Number(this.#perSecond.get(first + index) ?? 0),
    );
  }

  close() {
    this.#agent.destroy();
  }

  #count() {
    const second = Math.floor(performance.now() / 1_000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
  }

  /**
   * @param {string} url
   * @param {'GET' | 'POST'} method
   * @param {Sender} sender
   * @param {string} [body]
   * @returns {Promise<Reply>}
   */
  #ask(url, method, { keeps, shopper, ticket, pass, key }, body) {
    this.#count();
    const headers = {
      ...(shopper === undefined ? {} : { 'x-shopper-id': shopper }),
      ...(ticket === undefined ? {} : { 'x-ticket': ticket }),
      ...(pass === undefined ? {} : { 'x-pass': pass }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sentMs = performance.now();
    return new Promise((resolve) => {
      const done = (/** @type {number} */ status, text = '', retryAfter = '0') => {
        const answeredMs = performance.now();
        resolve({ status, body: parse(text), sentMs, answeredMs, retryAfterMs: Number(retryAfter) * 1_000 });
      };
      const agent = keeps ? this.#agent : false;
      const call = request(url, { method, agent, headers, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('error', () => done(0));
        response.on('end', () => done(response.statusCode ?? 0, text, response.headers['retry-after']));
      });
      call.on('timeout', () => call.destroy());
      call.on('error', () => done(0));
      call.end(body);
    });
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * When a ticket's shopper joined, by the clock of Redis: tickets are signed, not encrypted.
 *
 * @param {string} ticket base64url of fields, each behind its length in one byte, and 32 bytes of signature
 * @returns {number} microseconds
 */
export function joinedAtUs(ticket) {
  const bytes = Buffer.from(ticket, 'base64url').subarray(0, -32);
  let last = '';
  for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt8(at)) {
    last = bytes.toString('utf8', at + 1, at + 1 + bytes.readUInt8(at));
  }
  return Number(last);
}
