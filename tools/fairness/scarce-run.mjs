import { performance } from 'node:perf_hooks';

import { pause } from '../stack/run.mjs';
import { atLeast, atMost, judgeClasses, judgeRate, max, percentile } from './judge.mjs';
import { LineClient } from './line-client.mjs';
import { Shoppers, WAYS } from './shoppers.mjs';

const SHARES = { units: 0.2, bots: 0.2, perSecond: 0.06 };
/** Shoppers that one bot pretends to be. */
const IDENTITIES = 20;
const OUTSIDERS = 12;
const OUTSIDER_EVERY_MS = 100;
const HOLD_MS = 3_000;
/** One in three who got a unit forgets to pay, and after so many rounds nobody does. */
const FORGETS_EVERY = 3;
const FORGETTING_FOR_MS = 20_000;
const PUSH_MS = 1_000;
const CONFIRMED_MS = 10_000;
const PATIENCE_MS = 90_000;
const LONGEST_POLL_MS = 5_000;
const ADMISSION = {
  mode: 'on',
  passMs: 10_000,
  longestPollMs: LONGEST_POLL_MS,
  silentMs: 20_000,
  graceMs: 10_000,
};

/**
 * Five want each unit, a third of the buyers never pay, bots come under many names, and outsiders buy without a pass all
 * the while, until every unit is paid.
 *
 * @param {import('./fairness.mjs').Run} run
 * @returns {Promise<import('./judge.mjs').Row[]>}
 */
export async function scarceRun({ system, metrics, amount, seed, urls, log }) {
  const units = Math.max(10, Math.round(amount * SHARES.units));
  const perSecond = Math.max(20, Math.round(amount * SHARES.perSecond));
  log(
    `${amount} shoppers for ${units} units, a third of the buyers forget to pay, outsiders buy without a pass`,
  );
  const admission = { ...ADMISSION, ratePerSecond: perSecond };
  const sale = await system.openSale({ stock: units, holdMs: HOLD_MS, admission });
  const item = { saleId: sale.saleId, productId: sale.productIds[0] };
  const client = new LineClient();
  const options = { client, urls, item, passMs: ADMISSION.passMs, patienceMs: PATIENCE_MS };
  const shoppers = new Shoppers(options);
  const planned = metrics.planCrowd({ amount, perSecond, classes: WAYS.length, seed: `${seed}-scarce` });
  const startedAt = performance.now();
  const outsiders = new Outsiders({ client, urls, item });
  /** @type {{ shopper: string, paidAtMs: number }[]} */
  const paid = [];
  let returned = 0;

  /** @param {string} orderId @param {string} shopper @param {number} number */
  const settle = async (orderId, shopper, number) => {
    await untilConfirmed(client, { base: urls()[0], orderId, shopper });
    const forgets = number % FORGETS_EVERY === 0 && performance.now() - startedAt < FORGETTING_FOR_MS;
    const outcome = forgets ? 'late' : await system.shop.pay(orderId);
    if (outcome === 'paid') paid.push({ shopper, paidAtMs: performance.now() });
    else returned += 1;
  };
  /** @param {import('./shoppers.mjs').Visit} visit @param {number} number */
  const use = async (visit, number) => {
    // A bot tries its pass twice, with two keys.
    const tries = isBot(number, amount) ? ['a', 'b'] : ['a'];
    const orders = new Set();
    await Promise.all(
      tries.map(async (name) => {
        const one = { ...visit };
        await shoppers.buy(one, `${visit.shopper}-${name}`.padEnd(16, '-'));
        if (one.orderId !== undefined) orders.add(one.orderId);
        Object.assign(visit, {
          orderId: visit.orderId ?? one.orderId,
          boughtAtMs: visit.boughtAtMs ?? one.boughtAtMs,
        });
      }),
    );
    await Promise.all([...orders].map((orderId) => settle(orderId, visit.shopper, number)));
    return orders.size;
  };
  try {
    const outside = outsiders.hammer();
    const visits = await Shoppers.come(planned, async (index, dueMs) => {
      const way = WAYS[planned[index].classIndex];
      const shopper = `scarce-${seed}-${index}`;
      // A bot joins once more from elsewhere: it must have the same place.
      const again = isBot(index, amount)
        ? client.join(urls()[(way.gateway + 1) % 4], item.saleId, { keeps: true, shopper })
        : undefined;
      const visit = await shoppers.queue({ shopper, way, dueMs });
      const ticketId = (await again)?.body.ticketId;
      const places = ticketId === undefined || ticketId === visit.ticketId ? 1 : 2;
      const orders = await use(visit, index);
      return { ...visit, index, places, orders };
    });
    outsiders.stop();
    await outside;
    // Where not every unit is paid, somebody else has the rest, and nobody waits in vain.
    const endedAtMs = paid.length < units ? Infinity : max(paid.map(({ paidAtMs }) => paidAtMs));
    const stays = visits.map(({ answeredMs, endedMs = Infinity }) => ({ fromMs: answeredMs, toMs: endedMs }));
    const useless = metrics.uselessWaits(stays, endedAtMs);
    const wait = (/** @type {boolean} */ follows) =>
      useless.filter((_, index) => visits[index].way.follows === follows);
    const perIdentity = new Map(visits.map(({ shopper }) => [shopper, 0]));
    const perPrincipal = new Map();
    visits.forEach(({ shopper, index }) => {
      const got = paid.filter((one) => one.shopper === shopper).length;
      perIdentity.set(shopper, got);
      const principal = isBot(index, amount) ? `bot ${botOf(index)}` : shopper;
      perPrincipal.set(principal, (perPrincipal.get(principal) ?? 0) + got);
    });
    const top = metrics.concentration([...perPrincipal.values()], 0.01);
    return [
      atLeast('scarce: units that were paid', paid.length, units),
      { metric: 'scarce: units that came back', value: returned },
      { metric: 'scarce: purchases tried without a pass', value: outsiders.tried },
      judgeRate(metrics, visits, perSecond),
      atMost('stolen returns', metrics.stolenUnits(outsiders.takes, stays), 0, 'units'),
      ...judgeClasses(
        metrics,
        'scarce: admitted, of each class',
        visits,
        ({ goodFromMs }) => goodFromMs !== undefined,
      ),
      atMost('useless wait, at most, by events', max(wait(true)), PUSH_MS, 'ms'),
      // Whoever looks hears of it no sooner than they were told to look.
      atMost('useless wait, at most, by looks', max(wait(false)), LONGEST_POLL_MS + PUSH_MS, 'ms'),
      {
        metric: 'useless wait, p50',
        value: percentile(
          useless.filter((ms) => ms > 0),
          0.5,
        ),
        unit: 'ms',
      },
      atMost('told neither turn nor sold out', visits.filter(isForgotten).length, 0, 'shoppers'),
      atMost('places of one shopper, most', max(visits.map(({ places }) => places)), 1),
      atMost('orders of one pass, most', max(visits.map(({ orders }) => orders)), 1),
      atMost(
        'concentration: units of one shopper, most',
        metrics.concentration([...perIdentity.values()], 0.01).most,
        1,
      ),
      atMost(`concentration: units of a bot with ${IDENTITIES} names, most`, top.most, IDENTITIES),
      { metric: 'concentration: share of the top 1 %', value: top.topShare },
    ];
  } finally {
    outsiders.stop();
    client.close();
  }
}

/** Bots' names are spread over all who come. @param {number} index @param {number} amount */
function isBot(index, amount) {
  const each = Math.round(1 / SHARES.bots);
  return index % each === 0 && index < Math.floor(amount / (each * IDENTITIES)) * each * IDENTITIES;
}

/** @param {number} index */
function botOf(index) {
  return Math.floor(index / Math.round(1 / SHARES.bots) / IDENTITIES);
}

function isForgotten(/** @type {import('./shoppers.mjs').Visit} */ { end }) {
  return end !== 'turn' && end !== 'soldOut';
}

/**
 * @param {LineClient} client
 * @param {{ base: string, orderId: string, shopper: string }} options
 */
async function untilConfirmed(client, { base, orderId, shopper }) {
  const deadline = performance.now() + CONFIRMED_MS;
  while (performance.now() < deadline) {
    const { body } = await client.order(base, orderId, { keeps: true, shopper });
    if (body.status === 'confirmed') return;
    await pause(100);
  }
}

/** They buy all the while, and never queue. */
class Outsiders {
  #options;
  #stopped = false;
  tried = 0;
  /** @type {import('../../libs/testing/src/fairness/shares.js').Take[]} */
  takes = [];

  /** @param {{ client: LineClient, urls: () => readonly string[], item: { saleId: string, productId: string } }} options */
  constructor(options) {
    this.#options = options;
  }

  async hammer() {
    const { client, urls, item } = this.#options;
    const one = async (/** @type {number} */ number) => {
      while (!this.#stopped) {
        this.tried += 1;
        const shopper = `outsider-${number}-${this.tried}`;
        const sender = { keeps: true, shopper, key: shopper.padEnd(16, '-') };
        const { status, answeredMs } = await client.buy(urls()[number % 4], item, sender);
        if (status === 202) this.takes.push({ atMs: answeredMs, isFromLine: false });
        await pause(OUTSIDER_EVERY_MS);
      }
    };
    await Promise.all(Array.from({ length: OUTSIDERS }, (_, number) => one(number)));
  }

  stop() {
    this.#stopped = true;
  }
}
