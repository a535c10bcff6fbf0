import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { Payments } from '@flux/ledger';
import { createLog, Health, Metrics } from '@flux/telemetry';
import { deleteTopics, kafkaBrokers, purchase, topicPrefix, waitUntil } from '@flux/testing';
import type { INestApplicationContext, INestMicroservice } from '@nestjs/common';
import { Reconciler } from '../../apps/admin/src/reconcile/reconciler.service';
import { AdminWorld } from '../../apps/admin/test/admin.world';
import { ordersSettings } from '../../apps/orders/src/orders.config';
import { startOrders } from '../../apps/orders/src/start-orders';
import { relaySettings } from '../../apps/relay/src/relay.config';
import { startRelay } from '../../apps/relay/src/start-relay';

jest.setTimeout(120_000);

const SHOPPERS = 8;
const PURCHASES = 15;
const STOCK = 60;
const PRICE = 1_999;

let world: AdminWorld;
let orders: INestMicroservice;
let relay: INestApplicationContext;
const prefix = topicPrefix();
const fatal: unknown[] = [];

beforeAll(async () => {
  const settings = {
    KAFKA_BROKERS: kafkaBrokers(),
    FLUX_TOPIC_PREFIX: prefix,
    FLUX_KAFKA_REPLICATION: '1',
    FLUX_KAFKA_PARTITIONS: '1',
    FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000',
  };
  world = await AdminWorld.start({ settings });
  const environment = {
    ...settings,
    REDIS_URL: world.redis.url,
    DATABASE_URL: world.database.config.DATABASE_URL,
    FLUX_EXPIRY_INTERVAL_MS: '20',
  };
  const context = (name: string) => ({
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, name),
    metrics: new Metrics(name),
    health: new Health(),
    onFatal: (error: unknown) => fatal.push(error),
  });
  orders = await startOrders({ ...context('orders'), config: ordersSettings.parse(environment) });
  relay = await startRelay({ ...context('relay'), config: relaySettings.parse(environment) });
});
afterAll(async () => {
  await relay.close();
  await orders.close();
  await world.stop();
  await deleteTopics(prefix);
});

/** What becomes of orders, in turn; each that was accepted goes one of these ways. */
const WAYS = ['pays', 'cancels', 'expires', 'pays late', 'waits'] as const;
type Way = (typeof WAYS)[number];

interface Bought {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
}

async function stateOf(orderId: string): Promise<string | undefined> {
  const rows: { readonly state: string }[] = await world.dataSource.query(
    'SELECT state FROM orders WHERE order_id = $1',
    [orderId],
  );
  return rows[0]?.state;
}

async function pay({ orderId, quantity }: Bought): Promise<string> {
  const money = { paymentId: `pi_${orderId}`, amountMinor: PRICE * quantity, currency: 'EUR' };
  return (await world.app.get(Payments).pay({ orderId, ...money })).outcome;
}

async function runOut({ orderId }: Bought): Promise<void> {
  await world.dataSource.query(
    "UPDATE orders SET hold_until = now() WHERE order_id = $1 AND state = 'confirmed'",
    [orderId],
  );
  await waitUntil('its hold has run out', async () => (await stateOf(orderId)) === 'expired');
}

async function go(way: Way, bought: Bought): Promise<string> {
  if (way === 'cancels') return (await world.gate.cancel(bought)).outcome;
  await waitUntil('the order has a row', async () => (await stateOf(bought.orderId)) !== undefined);
  switch (way) {
    case 'waits':
      return way;
    case 'pays':
      return pay(bought);
    case 'expires':
      await runOut(bought);
      return way;
    case 'pays late':
      await runOut(bought);
      return `${await pay(bought)} late`;
  }
}

async function available(item: ItemRef): Promise<number> {
  return Number(await world.redis.client.get(itemKeys(item).stock));
}

async function isProved({ saleId }: ItemRef): Promise<boolean> {
  const { body } = await world.act({ saleId, productId: '' }, 'audit');
  return (body as { readonly verdict?: string }).verdict === 'proved';
}

async function repairs(): Promise<unknown> {
  return world.dataSource.query('SELECT state, delta FROM gate_repairs ORDER BY created_at');
}

it('repairs nothing where nothing drifts, whatever goes on, and what drifts all the same', async () => {
  const item = await world.openSale(STOCK);
  const reconcilers = [world.app, await world.addProcess()].map((process) => process.get(Reconciler));
  let selling = true;
  let rounds = 0;
  let alive = true;
  const loops = reconcilers.map(async (reconciler) => {
    while (alive) {
      await reconciler.reconcile();
      rounds += 1;
    }
  });

  const seen = new Map<string, number>();
  const note = (what: string): void => {
    seen.set(what, (seen.get(what) ?? 0) + 1);
  };
  let turn = 0;
  const shop = async (shopper: number): Promise<void> => {
    for (let count = 0; count < PURCHASES; count += 1) {
      const request = purchase(item, {
        shopperId: `shopper-${shopper}-${count}`,
        quantity: 1 + (count % 2),
      });
      const { outcome } = await world.gate.reserve(request);
      note(outcome);
      if (outcome !== 'accepted') continue;
      const way = WAYS[turn++ % WAYS.length] ?? 'waits';
      note(await go(way, request));
    }
  };
  const changeStock = async (): Promise<void> => {
    for (let count = 0; selling; count += 1) {
      const { status } = await world.changeStock(item, [3, -2, -1][count % 3] ?? 0);
      note(`stock ${status}`);
    }
  };
  const changes = changeStock();
  await Promise.all(Array.from({ length: SHOPPERS }, (_, shopper) => shop(shopper)));
  selling = false;
  await changes;
  // A stock below 0 would be the rebuild's.
  expect(await world.changeStock(item, 3)).toMatchObject({ status: 200 });

  await waitUntil('the checker proves the sale', () => isProved(item));
  expect(await repairs()).toEqual([]);
  expect(rounds).toBeGreaterThan(10);
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining(['accepted', 'requested', 'paid', 'expires', 'waits', 'stock 200']),
  );
  expect([...seen.keys()].some((what) => what === 'paid late' || what === 'refundDue late')).toBe(true);

  for (const units of [5, -3]) {
    const before = await available(item);
    await world.redis.client.incrby(itemKeys(item).stock, units);
    await waitUntil('it is put right', async () => (await available(item)) === before);
  }
  await waitUntil('the checker proves the sale again', () => isProved(item));
  expect(await repairs()).toMatchObject([{ delta: -5 }, { delta: 3 }]);
  alive = false;
  await Promise.all(loops);
  expect(fatal).toEqual([]);
});
