import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/**
 * What a client knows of one attempt. Without a `status` there was no answer, and `failure` says why: the outcome is
 * unknown to the client, unless the connection was `refused`.
 *
 * @typedef {object} Answer
 * @property {import('./plan.mjs').Attempt} attempt
 * @property {number} atMs when it was answered, as Date.now()
 * @property {number} tookMs
 * @property {number} [status]
 * @property {string} [failure]
 * @property {boolean} replayed
 * @property {string} [location]
 * @property {string} body
 */

// Longer than any time limit of the gateway: a timeout here is a fault there.
const TIMEOUT_MS = 15_000;

/**
 * Sends all attempts in their order to the gateways in turn, `concurrency` at a time, over connections that are kept.
 *
 * @param {{ gatewayUrls: readonly string[], attempts: readonly import('./plan.mjs').Attempt[], concurrency: number,
 *   onAnswer: (answer: Answer) => void }} options
 */
export async function runCrowd({ gatewayUrls, attempts, concurrency, onAnswer }) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const urls = gatewayUrls.map((gatewayUrl) => new URL('/v1/orders', gatewayUrl));
  let next = 0;
  const client = async () => {
    for (let index = next++; index < attempts.length; index = next++) {
      onAnswer(await purchase({ url: urls[index % urls.length], agent, attempt: attempts[index] }));
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, client));
  } finally {
    agent.destroy();
  }
}

/**
 * @param {{ url: URL, agent: Agent, attempt: import('./plan.mjs').Attempt, pass?: string }} options `pass` of the waiting
 *   room
 * @returns {Promise<Answer>} never rejects: a failure is an answer, too
 */
export function purchase({ url, agent, attempt, pass }) {
  const { shopperId, idempotencyKey, ...order } = attempt;
  const body = JSON.stringify(order);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const done = (/** @type {Partial<Answer>} */ answer) => {
      const times = { atMs: Date.now(), tookMs: performance.now() - startedAt };
      resolve({ attempt, replayed: false, body: '', ...times, ...answer });
    };
    const call = request(
      url,
      {
        method: 'POST',
        agent,
        timeout: TIMEOUT_MS,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': idempotencyKey,
          'x-shopper-id': shopperId,
          ...(pass === undefined ? {} : { 'x-pass': pass }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('error', (error) => done({ failure: failureOf(error) }));
        response.on('end', () => {
          const { location, 'idempotency-replayed': replayed } = response.headers;
          done({ status: response.statusCode, body: text, location, replayed: replayed === 'true' });
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', (error) => done({ failure: failureOf(error) }));
    call.end(body);
  });
}

/** @param {Error & { code?: string }} error */
function failureOf({ code, message }) {
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET') return 'connection lost';
  return code ?? message;
}
