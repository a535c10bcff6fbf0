import { SetUpError } from '../stack/run.mjs';
import { notRunning } from './system.mjs';

const TIMEOUT_MS = 15_000;

/** The operator API, as an operator's script calls it. */
export class Operator {
  #url;
  #key;

  /** @param {import('./system.mjs').System} system */
  constructor({ adminUrl, operatorKey }) {
    this.#url = adminUrl;
    this.#key = operatorKey;
  }

  /**
   * @param {'GET' | 'POST'} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<{ status: number, body: any }>}
   * @throws {SetUpError} when nobody answers, or the key is not taken
   */
  async call(method, path, body) {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => {
      throw notRunning('admin process', this.#url);
    });
    if (answer.status === 401)
      throw new SetUpError(`the admin process at ${this.#url} does not know this operator key`);
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  }

  /**
   * As `call`, for answers that must be good.
   *
   * @param {'GET' | 'POST'} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async must(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw refusal(`${method} ${path}`, answer);
    return answer.body;
  }
}

/**
 * @param {string} what
 * @param {{ status: number, body: any }} answer
 */
export function refusal(what, { status, body }) {
  return new SetUpError(
    `${what} was answered ${status} ${body.code ?? ''}: ${body.detail ?? body.title ?? ''}`,
  );
}
