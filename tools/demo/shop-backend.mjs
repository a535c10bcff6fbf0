import { SetUpError } from '../stack/run.mjs';

const TIMEOUT_MS = 15_000;

/** The shop's own backend: starts payments and hears how they went. Here the demo adapter takes the money. */
export class ShopBackend {
  #url;
  #key;

  /** @param {import('./system.mjs').System} system */
  constructor({ adminUrl, serviceKey }) {
    this.#url = adminUrl;
    this.#key = serviceKey;
  }

  /**
   * Starts a payment for the order and lets the shopper confirm it at once.
   *
   * @param {string} orderId
   * @returns {Promise<'paid' | 'late'>} `late`: the order had ended and its unit was gone; the money goes back
   * @throws {SetUpError} for every other answer
   */
  async pay(orderId) {
    const started = await this.#post(`/shop/v1/orders/${orderId}/payments`, {
      authorization: `Bearer ${this.#key}`,
    });
    if (started.body.code === 'not-confirmed') return 'late';
    if (started.status !== 201) throw refusal('starting a payment', started);
    const confirmed = await this.#post(started.body.confirmUrl, {});
    if (confirmed.body.code === 'refund-due') return 'late';
    if (confirmed.status !== 200) throw refusal('confirming a payment', confirmed);
    return 'paid';
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} headers
   * @returns {Promise<{ status: number, body: any }>}
   */
  async #post(path, headers) {
    const answer = await fetch(new URL(path, this.#url), {
      method: 'POST',
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  }
}

/**
 * @param {string} what
 * @param {{ status: number, body: any }} answer
 */
function refusal(what, { status, body }) {
  return new SetUpError(`${what} was answered ${status} ${body.code ?? ''}: ${body.detail ?? ''}`);
}
