import { hash } from 'node:crypto';

import { readStatuses } from './status-stream.mjs';

/** What becomes of an order once it is confirmed. */
const FATES = /** @type {const} */ (['pay', 'pay', 'pay', 'cancel', 'leave']);

/** Buyers that read, pay or cancel at a time; those who only wait do not count. */
const BUSY_AT_A_TIME = 100;

/**
 * The shoppers who got something: most pay, some cancel, some forget about it, and their hold runs out.
 */
export class Buyers {
  #gatewayUrl;
  #shop;
  /** @type {Promise<void>[]} */
  #lives = [];
  #busy = 0;
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {number[]} */
  #confirmMs = [];
  paid = 0;
  cancelled = 0;
  expired = 0;
  /** Payments that came after the hold had run out and the unit was gone. */
  late = 0;
  /** @type {unknown} the first thing that nobody expected */
  failure;

  /** @param {{ gatewayUrl: string, shop: import('./shop-backend.mjs').ShopBackend }} options */
  constructor({ gatewayUrl, shop }) {
    this.#gatewayUrl = gatewayUrl;
    this.#shop = shop;
  }

  /** Times from the acceptance of each order to its confirmation, in milliseconds. */
  get confirmMs() {
    return this.#confirmMs;
  }

  /**
   * One who was answered 202.
   *
   * @param {import('./crowd.mjs').Answer} answer
   * @param {typeof FATES[number]} [fate] by default as the order's id will have it
   */
  add({ attempt, location }, fate) {
    const orderId = String(location).split('/').at(-1) ?? '';
    const chosen = fate ?? FATES[hash('sha256', orderId, 'buffer')[0] % FATES.length];
    this.#lives.push(
      this.#live({ orderId, shopperId: attempt.shopperId, fate: chosen }).catch((error) => {
        this.failure ??= error;
      }),
    );
  }

  /** Resolves when every order that was added is paid, cancelled, expired or rejected. */
  async done() {
    for (let seen = 0; seen < this.#lives.length;) {
      seen = this.#lives.length;
      await Promise.all(this.#lives);
    }
    if (this.failure) throw this.failure;
  }

  /** @param {{ orderId: string, shopperId: string, fate: typeof FATES[number] }} buyer */
  async #live({ orderId, shopperId, fate }) {
    const order = await this.#untilDecided(orderId, shopperId);
    if (order.status !== 'confirmed') return;
    this.#confirmMs.push(Math.max(0, Date.parse(order.updatedAt) - Date.parse(order.acceptedAt)));
    if (fate === 'leave') return this.#forget(orderId, shopperId);
    await this.#whenFree(() =>
      fate === 'pay' ? this.#pay(orderId) : this.#cancel(`/v1/orders/${orderId}/cancel`, shopperId),
    );
  }

  /** @param {string} orderId @param {string} shopperId */
  async #untilDecided(orderId, shopperId) {
    const order = await this.#whenFree(() => this.#read(orderId, shopperId));
    return order.status === 'accepted'
      ? readStatuses(new URL(order.eventsUrl, this.#gatewayUrl), (status) => status !== 'accepted')
      : order;
  }

  /** @param {string} orderId */
  async #pay(orderId) {
    const outcome = await this.#shop.pay(orderId);
    this[outcome] += 1;
  }

  /** @param {string} path @param {string} shopperId */
  async #cancel(path, shopperId) {
    const answer = await fetch(new URL(path, this.#gatewayUrl), {
      method: 'POST',
      headers: { 'x-shopper-id': shopperId },
    });
    await answer.arrayBuffer();
    // On a busy machine the hold may have run out first.
    if (answer.status === 202) this.cancelled += 1;
    else if (answer.status === 409) this.expired += 1;
    else throw new Error(`a cancellation was answered ${answer.status}`);
  }

  /** @param {string} orderId @param {string} shopperId */
  async #forget(orderId, shopperId) {
    const { eventsUrl, status } = await this.#read(orderId, shopperId);
    if (status === 'confirmed')
      await readStatuses(new URL(eventsUrl, this.#gatewayUrl), (now) => now === 'expired');
    this.expired += 1;
  }

  /** @param {string} orderId @param {string} shopperId */
  async #read(orderId, shopperId) {
    const answer = await fetch(new URL(`/v1/orders/${orderId}`, this.#gatewayUrl), {
      headers: { 'x-shopper-id': shopperId },
    });
    if (answer.status !== 200) throw new Error(`an order was answered ${answer.status}`);
    return /** @type {any} */ (await answer.json());
  }

  /**
   * @template Result
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async #whenFree(work) {
    while (this.#busy >= BUSY_AT_A_TIME)
      await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }
}
