import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { audit } from '../audit.mjs';
import { Buyers } from './buyers.mjs';
import { HistoryFile } from './history-file.mjs';
import { LineShoppers } from './line-shoppers.mjs';
import { formatLine } from './line-table.mjs';
import { openDemoSale } from './sales.mjs';
import { ShopBackend } from './shop-backend.mjs';

const UNITS = 300;
const HOLD_MS = 15_000;
const ADMISSION = { mode: 'auto', ratePerSecond: 60, longestPollMs: 2_000, silentMs: 10_000, passMs: 15_000 };
/** How many times as many come as are let in. */
const CROWD = 10;
const ARRIVING_SECONDS = 4;
const PATIENCE_MS = 180_000;
const SAY_EVERY_MS = 2_000;

/**
 * Ten times as many come as the sale lets in. The waiting room goes on by itself, everybody after that waits in line, the
 * units that come back go to its front, and once the last one is paid whoever still waits is told so.
 *
 * @param {{ system: import('./system.mjs').System, operator: import('./operator.mjs').Operator, seed: number,
 *   log: (line: string) => void }} options
 * @returns {Promise<boolean>} whether all units are paid, nobody outside the line got one, and the checker has nothing to
 *   object
 */
export async function crowdAtTheDoor({ system, operator, seed, log }) {
  const sale = await openDemoSale(operator, { units: UNITS, holdMs: HOLD_MS, admission: ADMISSION });
  const perSecond = CROWD * ADMISSION.ratePerSecond;
  const amount = perSecond * ARRIVING_SECONDS;
  log(
    `sale ${sale.saleId}: ${perSecond} shoppers a second for ${ARRIVING_SECONDS} s come for ${UNITS} units; ` +
      `${ADMISSION.ratePerSecond} purchases a second are let in`,
  );
  const history = HistoryFile.ofSale(sale.saleId);
  const buyers = new Buyers({ gatewayUrl: system.gatewayUrl, shop: new ShopBackend(system) });
  let orders = 0;
  const shoppers = new LineShoppers({
    ...{ gatewayUrls: system.gatewayUrls, sale, seed },
    onAnswer: (answer) => {
      history.add(answer);
      if (answer.status !== 202) return;
      orders += 1;
      // What comes back is paid for: a demo has to end.
      if (orders > UNITS) buyers.add(answer, 'pay');
      else buyers.add(answer);
    },
  });
  const progress = setInterval(() => log(shoppers.progress()), SAY_EVERY_MS);
  await Promise.race([shoppers.run({ amount, perSecond }), pause(PATIENCE_MS)]).finally(() => {
    clearInterval(progress);
    shoppers.stop();
  });
  await buyers.done();
  await history.end(sale.saleId);
  const { items } = await operator.must('GET', `/admin/v1/sales/${sale.saleId}`);
  const { sold } = items[0].ledger;
  const { table, isFair } = formatLine({ visits: shoppers.visits, sold });
  log(`\n${table}\n`);
  if (sold !== UNITS) log(`expected ${UNITS} units to be paid in the end, found ${sold}\n`);

  log(`history of the clients: ${relative(process.cwd(), history.file)}\n`);
  const { status } = await audit(['--sale', sale.saleId, '--history', history.file]);
  return status === 0 && sold === UNITS && isFair;
}
