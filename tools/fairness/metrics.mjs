import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from '../stack/layout.mjs';

const require = createRequire(import.meta.url);

/**
 * The formulas of `libs/testing/src/fairness`, which the tests use too, as the build has them.
 *
 * @typedef {typeof import('../../libs/testing/src/fairness/order.js')
 *   & typeof import('../../libs/testing/src/fairness/shares.js')
 *   & typeof import('../../libs/testing/src/fairness/crowd-plan.js')} Metrics
 *
 * @returns {Metrics} after `ensureBuild`
 */
export function loadMetrics() {
  const parts = ['order', 'shares', 'crowd-plan'].map((part) =>
    require(join(ROOT, `dist/libs/testing/src/fairness/${part}.js`)),
  );
  return Object.assign({}, ...parts);
}
