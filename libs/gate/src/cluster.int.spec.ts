import type { ItemRef } from '@flux/contracts';
import {
  closeAndBegin,
  connectGate,
  Crowd,
  endOf,
  gateConfig,
  opening,
  prove,
  purchase,
  recordsOf,
  SlotMove,
  startRedisCluster,
  waitUntil,
  type GateClients,
  type RedisCluster,
} from '@flux/testing';
import { GateRebuild, GateSubscriber, itemKeys, type ReserveCallReport, type ReserveRequest } from './index';

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
    await rebuilt(item, request);
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

/** In epoch 2, with one order. */
async function rebuilt(
  item: ItemRef,
  { orderId, shopperId, quantity, fingerprint }: ReserveRequest,
): Promise<void> {
  const rebuild = new GateRebuild(clients.connection);
  const epoch = 2;
  expect(await closeAndBegin(rebuild, item, epoch)).toEqual({ outcome: 'begun' });
  const order = {
    orderId,
    shopperId,
    quantity,
    fingerprint,
    acceptedAtMs: 1,
    changedAtMs: 2,
    liveUnits: quantity,
  };
  const orders = [{ ...order, status: 'confirmed' as const }];
  expect(await rebuild.page({ ...item, epoch, after: '', orders })).toEqual({ outcome: 'written' });
  const end = { ...item, epoch, lastOrderId: orderId, available: 3, state: 'open', isCurrent: true } as const;
  expect(await rebuild.end(end)).toEqual({ outcome: 'finished' });
  expect(await rebuild.look(item)).toMatchObject({ outcome: 'whole', epoch });
}

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

it('follows a slot that moves under way, in pipelines whose other calls stay: no order lost, none twice', async () => {
  const candidates = Array.from({ length: 20 }, (_, index) => ({ saleId, productId: `moving-${index}` }));
  for (const item of candidates) await clients.gate.open(opening(item, { available: 10_000 }));
  const places = await Promise.all(candidates.map(async ({ productId }) => (await holders(productId))[0]));
  const [mover, stayer] = candidates.filter((_, index) => places[index] === 0);
  const target = cluster.nodes[1];
  if (mover === undefined || stayer === undefined || target === undefined) {
    throw new Error('no two items on the first master');
  }
  // Before its first order an item lacks keys, and a script that names one waits until the slot has arrived.
  await clients.gate.reserve(purchase(mover));
  const crowd = new Crowd(clients, [mover, stayer]);
  await crowd.hasBought(50);
  const move = await SlotMove.begin(cluster, itemKeys(mover).item, target);
  for (let key = 0; key < 3; key += 1) await move.moveOneKey();
  await waitUntil(
    'a call came while keys were under way',
    async () => (await cluster.errorReplies('TRYAGAIN')) > 0,
  );
  while (await move.moveOneKey());
  await waitUntil('a call was sent to the target', async () => (await cluster.errorReplies('ASK')) > 0);
  await crowd.hasBought(50);
  await move.finish();
  await waitUntil('a call heard of the move', async () => (await cluster.errorReplies('MOVED')) > 0);
  await crowd.hasBought(50);
  const bought = await crowd.leave();
  expect(await holders(mover.productId)).toEqual([1]);

  // A gate on another server is to be proven.
  expect([...crowd.answers.keys()].sort()).toEqual(['accepted', 'notReady']);
  for (const item of [mover, stayer]) {
    const ids = bought.filter(({ productId }) => productId === item.productId).map(({ orderId }) => orderId);
    const records = [...(await recordsOf(clients.connection, item)).keys()];
    const firsts = item === mover ? 1 : 0;
    expect(records).toHaveLength(ids.length + firsts);
    expect(records).toEqual(expect.arrayContaining(ids));
    expect(await clients.gate.readItem(item)).toMatchObject({ available: 10_000 - records.length });
  }
});

it('moves a slot to a node that serves none yet', async () => {
  const item = { saleId, productId: 'to-the-empty' };
  await clients.gate.open(opening(item));
  const order = purchase(item);
  await clients.gate.reserve(order);
  const empty = await cluster.addMaster();
  const move = await SlotMove.begin(cluster, itemKeys(item).item, empty);
  while (await move.moveOneKey());
  expect(await clients.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
  expect(await clients.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
  expect(await prove(clients.connection, item)).toMatchObject({ outcome: 'uncompared' });
  expect(await clients.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
  await move.finish();
  expect(await clients.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
});
