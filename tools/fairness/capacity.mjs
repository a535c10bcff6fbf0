import { performance } from 'node:perf_hooks';

const MEASURED_MS = 4_000;
const WARM_UP_MS = 4_000;
const AT_A_TIME = 64;

/**
 * How many requests a second the four gateways answer where everybody sends the next one at once: joins and first looks
 * in turn, half over kept connections, the harness on the same machine.
 *
 * @param {{ client: import('./line-client.mjs').LineClient, urls: readonly string[], saleId: string }} options a sale
 *   whose room is on
 */
export async function measureCapacity({ client, urls, saleId }) {
  let shoppers = 0;
  let answered = 0;
  const from = performance.now() + WARM_UP_MS;
  const until = from + MEASURED_MS;
  const count = () => {
    const now = performance.now();
    if (now >= from && now < until) answered += 1;
  };
  const worker = async (/** @type {number} */ number) => {
    const base = urls[number % urls.length];
    const keeps = (number >> 2) % 2 === 0;
    while (performance.now() < until) {
      const { body } = await client.join(base, saleId, { keeps, shopper: `burst-${++shoppers}` });
      count();
      await client.look(base, saleId, { keeps, ticket: body.ticket });
      count();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, (_, number) => worker(number)));
  return (answered * 1_000) / MEASURED_MS;
}
