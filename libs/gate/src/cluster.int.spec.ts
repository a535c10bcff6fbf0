import {
  connectGate,
  endOf,
  gateConfig,
  opening,
  purchase,
  startRedisCluster,
  waitUntil,
  type GateClients,
  type RedisCluster,
  type RedisServer,
} from '@flux/testing';
import { GateSubscriber, itemKeys, type ReserveCallReport } from './index';

let cluster: RedisCluster;
let clients: GateClients;
const saleId = 'autumn';
const items = Array.from({ length: 30 }, (_, index) => ({ saleId, productId: `product-${index}` }));

beforeAll(async () => {
  cluster = await startRedisCluster();
  clients = await connectGate(gateConfig(cluster.url, { FLUX_REDIS_MODE: 'cluster' }));
});
afterAll(async () => {
  clients.connection.close();
  await cluster.remove();
});

/** The masters that hold an item's stock, by asking each what it stores. */
async function holders(productId: string): Promise<readonly number[]> {
  const found = await Promise.all(
    cluster.nodes.map(({ client }) => client.keys(`{product:${productId}}:*:stock`)),
  );
  return found.flatMap((keys, index) => keys.map(() => index));
}

it('serves many products on several masters with the same client', async () => {
  for (const item of items) expect(await clients.gate.open(opening(item))).toEqual({ outcome: 'opened' });
  const places = await Promise.all(items.map(({ productId }) => holders(productId)));
  expect(places.every((place) => place.length === 1)).toBe(true);
  expect(new Set(places.flat())).toEqual(new Set([0, 1, 2]));

  const reports: ReserveCallReport[] = [];
  clients.gate.observe({ onReserveCall: (report) => reports.push(report) });
  const requests = items.flatMap((item) => Array.from({ length: 12 }, () => purchase(item)));
  const outcomes = await Promise.all(requests.map((request) => clients.gate.reserve(request)));
  expect(outcomes.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(300);
  expect(outcomes.filter(({ outcome }) => outcome === 'soldOut')).toHaveLength(60);
  expect(reports).toHaveLength(items.length);
  const again = await Promise.all(requests.map((request) => clients.gate.reserve(request)));
  expect(again.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(300);
});

it('has every other verb there too', async () => {
  for (const productId of ['verbs-1', 'verbs-2', 'verbs-3', 'verbs-4']) {
    const item = { saleId, productId };
    await clients.gate.open(opening(item));
    const { orderId, shopperId } = purchase(item);
    const request = { ...purchase(item, { shopperId }), orderId };
    expect(await clients.gate.reserve(request)).toMatchObject({ outcome: 'accepted' });
    expect(await clients.gate.adjust({ ...item, epoch: 1, changeId: 'up', delta: 1 })).toMatchObject({
      available: 10,
    });
    expect(await clients.outboxes.lease({ ...item, owner: 'relay', position: undefined })).toMatchObject({
      outcome: 'held',
    });
    expect(await clients.outboxes.read(item, { after: '0-0', count: 9 })).toHaveLength(1);
    const order = { orderId, shopperId, quantity: 1 };
    expect(await clients.gate.cancel(order)).toMatchObject({ outcome: 'requested' });
    const settled = {
      ...{ epoch: 1, watermark: 2, watermarkOrderId: orderId, states: [] },
      runs: [{ upTo: 2, atMs: 1 }],
    };
    expect(await clients.gate.settle({ ...item, ...settled })).toEqual({ outcome: 'settled', trimmed: 2 });
    expect(await clients.gate.readOrder(orderId)).toMatchObject({ order: { status: 'confirmed' } });
    expect(await clients.gate.release({ ...item, epoch: 1, releases: [endOf(order)] })).toEqual({
      outcome: 'released',
      released: 1,
    });
    expect(await clients.gate.retake({ ...item, ...order, epoch: 1, changeId: 'pay:1' })).toEqual({
      outcome: 'taken',
    });
    const forgotten = { ...item, shopperId, pseudonym: 'nobody', orderIds: [orderId] };
    expect(await clients.gate.forget(forgotten)).toEqual({ outcome: 'forgotten' });
    await clients.refusals.add(productId, { soldOut: 1 });
    expect(await clients.refusals.read(productId)).toEqual({ soldOut: 1 });
    expect(await clients.gate.close(item)).toEqual({ outcome: 'done' });
    expect(await clients.gate.retire({ ...item, endsAtMs: Date.now() + 60_000 })).toEqual({
      outcome: 'retired',
    });
  }
  await clients.catalogue.write({ sales: [] });
  expect(await clients.catalogue.find('verbs-1')).toEqual({ outcome: 'unknownProduct' });
  expect(await clients.outboxes.list()).toEqual(expect.arrayContaining(items));
});

it('hears of every item on one push connection', async () => {
  const subscriber = new GateSubscriber(gateConfig(cluster.url, { FLUX_REDIS_MODE: 'cluster' }));
  const heard = new Set<string>();
  for (const item of items) await subscriber.subscribe(item, { onStock: () => heard.add(item.productId) });
  await waitUntil('the channel is up', () => subscriber.isUp());
  for (const item of items) await clients.gate.pause(item);
  await waitUntil('every item was heard of', () => heard.size === items.length);
  subscriber.close();
});

it('waits for a master that does not answer without holding up the others', async () => {
  const timeoutMs = 300;
  const hasty = await connectGate(
    gateConfig(cluster.url, { FLUX_REDIS_MODE: 'cluster', FLUX_REDIS_COMMAND_TIMEOUT_MS: String(timeoutMs) }),
  );
  const fresh = Array.from({ length: 12 }, (_, index) => ({ saleId, productId: `frozen-${index}` }));
  for (const item of fresh) await hasty.gate.open(opening(item));
  const [place] = await holders('frozen-0');
  const frozen = cluster.nodes[place ?? 0];
  const onFrozen = await Promise.all(
    fresh.map(async ({ productId }) => (await holders(productId))[0] === place),
  );
  expect(new Set(onFrozen)).toEqual(new Set([true, false]));

  frozen?.freeze();
  const requests = fresh.map((item) => purchase(item));
  const startedAt = performance.now();
  const elapsed: number[] = [];
  const outcomes = await Promise.all(
    requests.map(async (request) => {
      const { outcome } = await hasty.gate.reserve(request);
      elapsed.push(performance.now() - startedAt);
      return outcome;
    }),
  );
  frozen?.thaw();
  expect(outcomes).toEqual(onFrozen.map((isOnFrozen) => (isOnFrozen ? 'unknown' : 'accepted')));
  expect(Math.min(...elapsed)).toBeLessThan(timeoutMs);
  expect(Math.max(...elapsed)).toBeLessThan(timeoutMs + 200);
  for (const request of requests) {
    await waitUntil('the gate decides', async () => {
      const { outcome } = await hasty.gate.reserve(request);
      return outcome === 'accepted' || outcome === 'replayed';
    });
  }
  for (const item of fresh) expect(await hasty.gate.readItem(item)).toMatchObject({ available: 9 });
  hasty.connection.close();
});

it('gives the scripts again to a master that forgot them', async () => {
  for (const { client } of cluster.nodes) await client.script('FLUSH');
  const fresh = items.map(({ productId }) => ({ saleId, productId: `again-${productId}` }));
  const opened = await Promise.all(fresh.map((item) => clients.gate.open(opening(item))));
  expect(new Set(opened.map(({ outcome }) => outcome))).toEqual(new Set(['opened']));
});

it('follows a slot that moved, in a pipeline whose other calls stay', async () => {
  const candidates = Array.from({ length: 20 }, (_, index) => ({ saleId, productId: `moving-${index}` }));
  for (const item of candidates) await clients.gate.open(opening(item));
  const places = await Promise.all(candidates.map(async ({ productId }) => (await holders(productId))[0]));
  const [mover, stayer] = candidates.filter((_, index) => places[index] === 0);
  const [source, target] = cluster.nodes;
  if (mover === undefined || stayer === undefined || source === undefined || target === undefined) {
    throw new Error('no two items on the first master');
  }
  await moveSlot({ key: itemKeys(mover).item, source, target });
  expect(await holders(mover.productId)).toEqual([1]);
  const outcomes = await Promise.all([mover, stayer].map((item) => clients.gate.reserve(purchase(item))));
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
});

async function moveSlot({
  key,
  source,
  target,
}: {
  readonly key: string;
  readonly source: RedisServer;
  readonly target: RedisServer;
}): Promise<void> {
  const slot = await source.client.cluster('KEYSLOT', key);
  const from = await source.client.cluster('MYID');
  const to = await target.client.cluster('MYID');
  await target.client.cluster('SETSLOT', slot, 'IMPORTING', from);
  await source.client.cluster('SETSLOT', slot, 'MIGRATING', to);
  for (const stored of await source.client.cluster('GETKEYSINSLOT', slot, 100)) {
    await source.client.migrate('127.0.0.1', target.port, stored, 0, 5_000);
  }
  for (const { client } of cluster.nodes) await client.cluster('SETSLOT', slot, 'NODE', to);
}
