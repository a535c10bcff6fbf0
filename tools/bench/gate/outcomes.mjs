const HOUR_MS = 3_600_000;

/**
 * For every outcome of the gate, purchases that get it. What they need is made before each and taken away after it.
 *
 * @param {import('./gate-driver.mjs').GateDriver} driver
 * @param {number} amount of purchases for each
 * @returns {AsyncGenerator<{ name: string, expected: string, purchases: import('./gate-driver.mjs').Purchase[] }>}
 */
export async function* outcomesOf(driver, amount) {
  const item = driver.newItem();
  // Without a first thousand buyers the hashes would be of another encoding, which only an item's beginning has.
  await driver.open(item, { stock: 3 * amount + FIRST_BUYERS });
  await driver.fill(item, FIRST_BUYERS);
  const bought = driver.purchases(item, amount);
  yield { name: 'accepted', expected: 'accepted', purchases: bought };
  yield { name: 'replayed', expected: 'replayed', purchases: bought };
  yield { name: 'reused', expected: 'reused', purchases: bought.map((one) => driver.changed(one)) };
  const again = bought.map(({ shopperId }) => driver.purchaseOf(item, shopperId));
  yield { name: 'shopperLimit', expected: 'shopperLimit', purchases: again };
  const unnamed = driver.purchases(item, amount).map((one) => ({ ...one, saleNamed: false }));
  yield { name: 'accepted, sale not named', expected: 'accepted', purchases: unnamed };
  const newer = driver.newItem({ productId: item.productId });
  await driver.open(newer, { stock: 1 });
  const late = driver.purchases(item, amount).map((one) => ({ ...one, saleNamed: false }));
  yield { name: 'moved', expected: 'moved', purchases: late };
  await driver.remove(newer);
  await driver.end(item, 'pause');
  yield { name: 'notOpen, paused', expected: 'notOpen', purchases: driver.purchases(item, amount) };
  await driver.end(item, 'close');
  yield { name: 'closed', expected: 'closed', purchases: driver.purchases(item, amount) };
  await driver.remove(item);

  yield* ofOneItem(driver, { name: 'soldOut', expected: 'soldOut', amount, stock: 0 });
  const opensAtMs = Date.now() + HOUR_MS;
  yield* ofOneItem(driver, { name: 'notOpen, early', expected: 'notOpen', amount, stock: 1, opensAtMs });
  yield { name: 'notReady', expected: 'notReady', purchases: driver.purchases(driver.newItem(), amount) };
}

const FIRST_BUYERS = 1_000;

/**
 * @param {import('./gate-driver.mjs').GateDriver} driver
 * @param {{ name: string, expected: string, amount: number, stock: number, opensAtMs?: number }} options
 */
async function* ofOneItem(driver, { name, expected, amount, ...opening }) {
  const item = driver.newItem();
  await driver.open(item, opening);
  yield { name, expected, purchases: driver.purchases(item, amount) };
  await driver.remove(item);
}
