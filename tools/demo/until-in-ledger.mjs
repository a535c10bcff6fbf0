import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 50;
const PATIENCE_MS = 60_000;

/**
 * Watches the ledger while the crowd buys, so that the moment is known at which the last accepted order was in it.
 *
 * @param {{ operator: import('./operator.mjs').Operator, saleId: string, tally: import('./tally.mjs').Tally }} options
 */
export function waitUntilInLedger({ operator, saleId, tally }) {
  /** @type {number | undefined} units in the ledger when last asked, and since when */
  let seen;
  let seenAt = 0;
  let stopped = false;

  const watch = async () => {
    let deadline = Infinity;
    for (;;) {
      // A poll without an answer is one less: the burst is not about the admin process.
      const answer = await operator.call('GET', `/admin/v1/sales/${saleId}`).catch(() => undefined);
      const units = unitsOf(answer?.body);
      if (units !== undefined && units !== seen) [seen, seenAt] = [units, Date.now()];
      if (stopped && seen !== undefined && seen >= tally.acceptedOrders) return;
      if (stopped) deadline = Math.min(deadline, performance.now() + PATIENCE_MS);
      if (performance.now() > deadline) return;
      await pause(POLL_MS);
    }
  };
  const watching = watch();

  return {
    /**
     * To be called when the crowd has ended.
     *
     * @returns {Promise<number | undefined>} from the gate's acceptance of the last order until it was in PostgreSQL, to the
     *   length of a poll; undefined when it did not come in time
     */
    async done() {
      stopped = true;
      await watching;
      return seen === undefined || seen < tally.acceptedOrders
        ? undefined
        : Math.max(0, seenAt - tally.lastAcceptedAtMs);
    },
  };
}

/** @param {any} sale @returns {number | undefined} orders of one unit each, in whatever state they have units */
function unitsOf(sale) {
  const ledger = sale?.items?.[0]?.ledger;
  return ledger && ledger.held + ledger.sold + ledger.parked;
}
