import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import { runCrowd } from './crowd.mjs';

const PATIENCE_MS = 120_000;
const LOOK_AGAIN_MS = 500;

/**
 * Sells what comes back, cancelled and expired, to shoppers who pay, until every unit is sold.
 *
 * @param {{ operator: import('./operator.mjs').Operator, sale: { saleId: string, productId: string }, units: number,
 *   gatewayUrls: readonly string[], onAnswer: (answer: import('./crowd.mjs').Answer) => void }} options
 * @returns {Promise<number>} units that are sold
 */
export async function sellWhatComesBack({ operator, sale, units, gatewayUrls, onAnswer }) {
  const deadline = performance.now() + PATIENCE_MS;
  let shoppers = 0;
  for (;;) {
    const { items } = await operator.must('GET', `/admin/v1/sales/${sale.saleId}`);
    const [{ gate, ledger }] = items;
    if (ledger.sold >= units || performance.now() > deadline) return ledger.sold;
    const attempts = Array.from({ length: gate?.available ?? 0 }, () => {
      const shopperId = `late-${String(++shoppers).padStart(5, '0')}`;
      return { ...sale, shopperId, idempotencyKey: `second-wave-${shopperId}`, quantity: 1 };
    });
    await runCrowd({ gatewayUrls, concurrency: 16, attempts, onAnswer });
    await pause(LOOK_AGAIN_MS);
  }
}
