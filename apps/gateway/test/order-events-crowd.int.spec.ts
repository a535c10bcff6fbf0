import { once } from 'node:events';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import type { StateWrite } from '@flux/gate';
import { purchase, waitUntil } from '@flux/testing';
import { callsOf, useWorld } from './world';

const STREAMS = 3_000;

/** Measured: 9 kB. */
const MAX_HEAP_BYTES_PER_STREAM = 20_000;

const ORDERS_PER_READ = 100;

// On a machine that others use too.
const PATIENCE_MS = 120_000;
jest.setTimeout(2 * PATIENCE_MS);

/** Bytes in use by this thread, after a collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('thousands of streams in one process', () => {
  const world = useWorld();

  it('tells each reader of each change once, with little memory for each', async () => {
    const item = await world.shop.open({ stock: STREAMS });
    const orders = Array.from({ length: STREAMS }, () => purchase(item));
    const outcomes = await Promise.all(orders.map((order) => world.shop.gate.reserve(order)));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    const last = outcomes.find(
      (outcome) => outcome.outcome === 'accepted' && outcome.order.sequence === STREAMS,
    );

    const before = heapBytes();
    const crowd = new Worker(join(__dirname, 'event-crowd.cjs'), {
      workerData: {
        base: world.gateway.base,
        readers: orders.map(({ orderId, shopperId }) => ({
          path: `/v1/orders/${orderId}/events`,
          headers: { 'x-shopper-id': shopperId },
        })),
      },
    });
    const message = async () => ((await once(crowd, 'message')) as readonly unknown[])[0];
    expect(await message()).toEqual({ what: 'opened' });
    const perStream = (heapBytes() - before) / STREAMS;
    expect(perStream).toBeLessThan(MAX_HEAP_BYTES_PER_STREAM);

    await world.redis.client.config('RESETSTAT');
    await world.shop.settle(item, {
      watermark: STREAMS,
      watermarkOrderId: last?.outcome === 'accepted' ? last.order.orderId : '',
    });
    const over = message();
    const ended = orders.map(({ orderId, shopperId }): StateWrite => ({
      ...{ orderId, shopperId, status: 'paid', quantity: 0 },
      changedAtMs: Date.now(),
    }));
    await confirmedAll();
    // The settle, and reads that many readers share.
    expect(await callsOf(world.redis, 'evalsha')).toBeLessThanOrEqual(STREAMS / ORDERS_PER_READ + 5);
    await world.shop.settle(item, { states: ended });
    const { told } = (await over) as { readonly told: readonly (readonly string[])[] };
    expect(new Set(told.map((statuses) => statuses.join()))).toEqual(new Set(['accepted,confirmed,paid']));
    await crowd.terminate();
  });

  /** Two events each: accepted and confirmed. */
  async function confirmedAll(): Promise<void> {
    await waitUntil(
      'all are told',
      async () => {
        const { text } = await world.gateway.metrics.render();
        return Number(/^flux_order_events_sent_total\{.*\} (\d+)$/m.exec(text)?.[1]) === 2 * STREAMS;
      },
      { timeoutMs: PATIENCE_MS },
    );
  }
});
