import { SetUpError, pause } from '../stack/run.mjs';
import { verifyDraw } from '../verify-draw.mjs';
import { atMost } from './judge.mjs';
import { LineClient } from './line-client.mjs';
import { Shoppers, WAYS } from './shoppers.mjs';

/** Of the capacity: everybody joins, and few look. */
const JOINING_SHARE = 0.3;
/** Those who wait for their turn, so that one sees in which order people are called. */
const WAITING_EVERY = 40;
const OPENING_MS = 4_000;
const DRAWN_WITHIN_MS = 60_000;
/** The draw's seed is the admin process's, another one each time: 4.5 standard deviations. */
const DEVIATIONS = 4.5;
const ADMISSION = { mode: 'on', passMs: 600_000, longestPollMs: 2_000, silentMs: 600_000, graceMs: 120_000 };

/**
 * Everybody joins before the opening, one after the other; then places are drawn.
 *
 * @param {import('./fairness.mjs').Run & { capacity: number }} run
 * @returns {Promise<import('./judge.mjs').Row[]>}
 */
export async function lobbyRun({ system, metrics, amount, seed, urls, log, capacity }) {
  const perSecond = Math.max(50, Math.floor(capacity * JOINING_SHARE));
  const opensInMs = (amount * 1_000) / perSecond + OPENING_MS;
  log(`${amount} shoppers join the lobby, which opens in ${Math.round(opensInMs / 1_000)} s`);
  const lobbyOpensAt = new Date(Date.now() - 1_000).toISOString();
  const sale = await system.openSale({
    stock: amount,
    opensInMs,
    admission: { ...ADMISSION, ratePerSecond: 1_000, lobbyOpensAt },
  });
  const { saleId } = sale;
  const client = new LineClient();
  try {
    const readDraw = () =>
      fetch(`${urls()[0]}/v1/sales/${saleId}/draw`).then(
        (answer) => /** @type {Promise<any>} */ (answer.json()),
      );
    const { commitment } = /** @type {any} */ (await readDraw());
    const planned = metrics.planCrowd({ amount, perSecond, classes: WAYS.length, seed: `${seed}-lobby` });
    const joined = await Shoppers.come(planned, async (index) => {
      const way = WAYS[planned[index].classIndex];
      const sender = { keeps: way.keeps, shopper: `early-${seed}-${index}` };
      const { status, body } = await client.join(urls()[way.gateway], saleId, sender);
      return { ...body, status, way };
    });
    const inLobby = joined.filter(({ status, ticketId }) => status === 201 && ticketId !== undefined);
    const out = joined.find((one) => !inLobby.includes(one));
    if (out !== undefined) {
      const why = `${out.status} ${out.code ?? ''}`;
      throw new SetUpError(`not valid: of ${amount} only ${inLobby.length} joined the lobby; one got ${why}`);
    }

    let draw = /** @type {any} */ ({});
    await system.until('the places are drawn', async () => (draw = await readDraw()).drawn === true, {
      timeoutMs: opensInMs + DRAWN_WITHIN_MS,
    });
    // Throws where a place is not what the published data give.
    const order = verifyDraw(draw, commitment);
    const rankOf = new Map(order.map((ticketId, rank) => [ticketId, rank]));
    const arrival = inLobby.map((_, index) => index);
    const ranks = inLobby.map(({ ticketId }) => rankOf.get(ticketId) ?? NaN);
    const called = await waitForTurns(client, { urls, saleId, rankOf, some: every(inLobby, WAITING_EVERY) });
    const deviation = Math.sqrt((2 * (2 * amount + 5)) / (9 * amount * (amount - 1)));
    const tau = Math.abs(metrics.kendallTauB(arrival, ranks));
    const chiSquare = metrics.chiSquareOfDeciles(arrival, ranks);
    return [
      atMost('shuffle: |tau| of arrival and rank', tau, round(DEVIATIONS * deviation)),
      atMost('shuffle: chi-square over deciles', chiSquare, round(metrics.chiSquareLimit(81, DEVIATIONS))),
      atMost('shuffle: joined in time and not drawn', ranks.filter(Number.isNaN).length, 0, 'shoppers'),
      atMost('shuffle: places not as recomputed', amount - order.length, 0),
      atMost(
        'shuffle: called in another order than drawn',
        metrics.epsilonInversions({ sent: called.ranks, admitted: called.admitted }, 0).inversions,
        0,
        `pairs of ${called.ranks.length} who waited`,
      ),
    ];
  } finally {
    client.close();
  }
}

/**
 * Some wait for their turn.
 *
 * @param {LineClient} client
 * @param {{ urls: () => readonly string[], saleId: string, rankOf: Map<string, number>, some: readonly any[] }} options
 */
async function waitForTurns(client, { urls, saleId, rankOf, some }) {
  const turns = await Promise.all(
    some.map(async ({ way, ticket, ticketId }) => {
      for (;;) {
        const { body, status } = await client.look(urls()[way.gateway], saleId, { keeps: way.keeps, ticket });
        if (body.status === 'turn') {
          const goodFromMs = Date.parse(body.passExpiresAt) - ADMISSION.passMs;
          return { rank: rankOf.get(ticketId) ?? NaN, goodFromMs };
        }
        if (status !== 202 && status !== 429 && status !== 503)
          throw new SetUpError(`not valid: a look was answered ${status}`);
        await pause(Math.min(body.askAgainMs ?? 1_000, 5_000));
      }
    }),
  );
  return { ranks: turns.map(({ rank }) => rank), admitted: turns.map(({ goodFromMs }) => goodFromMs) };
}

/** @template T @param {readonly T[]} all @param {number} each @returns {T[]} */
function every(all, each) {
  return all.filter((_, index) => index % each === 0);
}

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(3));
}
