import { randomBytes } from 'node:crypto';

import { refusal } from './operator.mjs';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The item for the newcomer's own curl: the README and Swagger UI name it. */
const SHOW_CASE = { saleId: 'demo', productId: 'sneaker-42', units: 100_000, perShopperLimit: 10, days: 30 };

// A sale that has ended is not opened again: its successor is demo-2, and so on.
const MOST_SUCCESSORS = 1_000;

/**
 * A sale of its own for one burst: one item, one unit a shopper, with a short hold.
 *
 * @param {import('./operator.mjs').Operator} operator
 * @param {{ units: number, holdMs: number, admission: object }} options
 * @returns {Promise<{ saleId: string, productId: string }>}
 */
export async function openDemoSale(operator, { units, holdMs, admission }) {
  const run = `${Date.now().toString(36)}${randomBytes(2).toString('hex')}`;
  const sale = { saleId: `burst-${run}`, productId: `drop-${run}` };
  const define = {
    ...sale,
    name: 'Demo burst',
    units,
    perShopperLimit: 1,
    forMs: HOUR_MS,
    holdMs,
    admission,
  };
  await operator.must('POST', '/admin/v1/sales', definition(define));
  await operator.must('POST', `/admin/v1/sales/${sale.saleId}/open`);
  return sale;
}

/**
 * Sees to it that the show case is open; what is open already stays as it is.
 *
 * @param {import('./operator.mjs').Operator} operator
 * @returns {Promise<string>} what a newcomer can do now, in a line
 */
export async function keepSaleOpen(operator) {
  const { productId } = SHOW_CASE;
  for (let number = 1; number <= MOST_SUCCESSORS; number++) {
    const saleId = number === 1 ? SHOW_CASE.saleId : `${SHOW_CASE.saleId}-${number}`;
    const state = await stateOf(operator, saleId);
    if (state === 'closed' || state === 'retired') continue;
    if (state === 'open') return `${productId} is on sale (sale ${saleId}): buy one`;
    if (state === 'paused') return `sale ${saleId} is paused: resume it to buy ${productId}`;
    const opened = await operator.call('POST', `/admin/v1/sales/${saleId}/open`);
    if (opened.body.code === 'product-on-sale')
      return `${productId} is on sale already, in another sale: buy one`;
    if (opened.status >= 300) throw refusal(`opening sale ${saleId}`, opened);
    return `${productId} is on sale (sale ${saleId}): buy one`;
  }
  throw refusal('opening the show case', { status: 409, body: { detail: 'all of its sales are closed' } });
}

/**
 * @param {import('./operator.mjs').Operator} operator
 * @param {string} saleId
 * @returns {Promise<string>} the sale's state; it is defined where there was none
 */
async function stateOf(operator, saleId) {
  const path = `/admin/v1/sales/${saleId}`;
  const answer = await operator.call('GET', path);
  if (answer.status === 200) return answer.body.state;
  if (answer.status !== 404) throw refusal(`GET ${path}`, answer);
  const { productId, units, perShopperLimit, days } = SHOW_CASE;
  const sale = { saleId, productId, name: 'Sneaker 42', units, perShopperLimit, forMs: days * DAY_MS };
  return (await operator.must('POST', '/admin/v1/sales', definition(sale))).state;
}

/**
 * @param {{ saleId: string, productId: string, name: string, units: number, perShopperLimit: number, forMs: number,
 *   holdMs?: number, admission?: object }} sale
 */
function definition({ saleId, productId, name, units, perShopperLimit, forMs, holdMs, admission }) {
  return {
    id: saleId,
    name,
    opensAt: new Date().toISOString(),
    closesAt: new Date(Date.now() + forMs).toISOString(),
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(admission === undefined ? {} : { admission }),
    items: [{ productId, name, priceMinor: 12_900, currency: 'EUR', stock: units, perShopperLimit }],
  };
}
