import type { ItemRef } from '@flux/contracts';
import { GateSubscriber, itemKeys } from '@flux/gate';
import {
  connectGate,
  Crowd,
  cutReplication,
  gateConfig,
  opening,
  purchase,
  recordsOf,
  SlotMove,
  startRedisCluster,
  waitUntil,
  type GateClients,
  type RedisCluster,
} from '@flux/testing';

/** As in production: nobody waits longer for an answer. */
const TIMEOUT_MS = 1_000;
const STOCK = 1_000_000;

let cluster: RedisCluster;
let gateways: readonly GateClients[] = [];

async function start(mode: 'strict' | 'replicated'): Promise<void> {
  cluster = await startRedisCluster({ replicas: 1 });
  gateways = await Promise.all([connect(mode), connect(mode)]);
}

afterEach(async () => {
  for (const { connection } of gateways) connection.close();
  await cluster.remove();
});

async function connect(mode: 'strict' | 'replicated'): Promise<GateClients> {
  return connectGate(
    gateConfig(cluster.url, {
      FLUX_REDIS_MODE: 'cluster',
      FLUX_DURABILITY: mode,
      FLUX_REDIS_COMMAND_TIMEOUT_MS: String(TIMEOUT_MS),
    }),
  );
}

function first(): GateClients {
  const [gateway] = gateways;
  if (gateway === undefined) throw new Error('no gateway');
  return gateway;
}

/** An open item on each of the masters, in their order at the start. */
async function itemPerMaster(): Promise<readonly [ItemRef, ItemRef, ItemRef]> {
  const found = new Map<number, ItemRef>();
  for (let index = 0; found.size < 3; index += 1) {
    const item = { saleId: 'autumn', productId: `product-${index}` };
    const place = cluster.nodes.indexOf(await cluster.masterOf(itemKeys(item).item));
    if (!found.has(place)) found.set(place, item);
  }
  const items = [found.get(0), found.get(1), found.get(2)].filter((item) => item !== undefined);
  for (const item of items) await first().gate.open(opening(item, { available: STOCK }));
  const [one, two, three] = items;
  if (one === undefined || two === undefined || three === undefined) throw new Error('a master without item');
  return [one, two, three];
}

/** One crowd in front of each gateway. */
function crowds(items: readonly ItemRef[]): readonly Crowd[] {
  return gateways.map((clients) => new Crowd(clients, items));
}

async function allBought(inFront: readonly Crowd[], more: number): Promise<void> {
  await Promise.all(inFront.map((crowd) => crowd.hasBought(more)));
}

/** What of the clients' own record the gate no longer knows; and the gate's own accounts must agree. */
async function lostOf(inFront: readonly Crowd[], items: readonly ItemRef[]): Promise<readonly string[]> {
  const bought = (await Promise.all(inFront.map((crowd) => crowd.leave()))).flat();
  const undecided = inFront.flatMap((crowd) => crowd.undecided);
  const lost: string[] = [];
  for (const item of items) {
    const records = await recordsOf(first().connection, item);
    const sequences = [...records.values()].map(({ sequence }) => sequence).sort((a, b) => a - b);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(await first().gate.readItem(item)).toMatchObject({ available: STOCK - records.size });
    expect(await outboxOf(item)).toEqual(new Set(records.keys()));
    const here = bought.filter(({ productId }) => productId === item.productId);
    lost.push(...here.map(({ orderId }) => orderId).filter((orderId) => !records.has(orderId)));
    // Nothing that nobody asked for.
    const asked = new Set([...bought, ...undecided].map(({ orderId }) => orderId));
    expect([...records.keys()].filter((orderId) => !asked.has(orderId))).toEqual([]);
  }
  return lost;
}

async function outboxOf(item: ItemRef): Promise<ReadonlySet<string>> {
  const entries = await first().outboxes.read(item, { after: '0-0', count: 1_000_000 });
  return new Set(
    entries.flatMap((entry) =>
      entry.outcome === 'event' && entry.event.type === 'orders-accepted.v1'
        ? entry.event.orders.map(({ orderId }) => orderId)
        : [],
    ),
  );
}

/** What was counted belongs to the report of the run. */
function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function words(inFront: readonly Crowd[]): string {
  return inFront.map(({ answers }) => JSON.stringify(Object.fromEntries(answers))).join(' ');
}

it('replicated: a master is killed in mid-sale, twice, and no acknowledged order is lost', async () => {
  await start('replicated');
  const items = await itemPerMaster();
  const [hit, elsewhere] = items;
  const subscriber = new GateSubscriber(gateConfig(cluster.url, { FLUX_REDIS_MODE: 'cluster' }));
  let heard = 0;
  await subscriber.subscribe(hit, {
    onStock: () => {
      heard += 1;
    },
  });
  const inFront = crowds(items);
  await allBought(inFront, 300);

  const spared = new Crowd(first(), [elsewhere]);
  const old = await cluster.masterOf(itemKeys(hit).item);
  const promoted = await cluster.failOver(old);
  expect(await cluster.masterOf(itemKeys(hit).item)).toBe(promoted);
  // The other shards go on all the while; the new master acknowledges nothing before it has a replica.
  await spared.hasBought(100);
  await spared.leave();
  expect([...spared.answers.keys()]).toEqual(['accepted']);
  await cluster.comeBack(old);
  await allBought(inFront, 300);

  // Plain commands and the push channel have followed, though the channel was on the server that was killed.
  expect(await first().outboxes.list()).toEqual(expect.arrayContaining([...items]));
  await waitUntil('the channel is up', () => subscriber.isUp());
  await first().gate.adjust({ ...hit, epoch: 1, changeId: 'up', delta: 1 });
  await waitUntil('the push channel tells of the item', () => heard > 0);
  await first().gate.adjust({ ...hit, epoch: 1, changeId: 'down', delta: -1 });
  subscriber.close();

  expect(await cluster.failOver(promoted)).toBe(old);
  await cluster.comeBack(promoted);
  await allBought(inFront, 300);
  tell(`replicated, two failovers: ${words(inFront)}`);
  expect(await lostOf([...inFront, spared], items)).toEqual([]);
});

it('replicated: what a replica never heard of was acknowledged to nobody', async () => {
  await start('replicated');
  const items = await itemPerMaster();
  const [hit] = items;
  const inFront = crowds([hit]);
  await allBought(inFront, 100);
  const master = await cluster.masterOf(itemKeys(hit).item);
  await cutReplication(master, await cluster.replicaOf(master));
  const before = inFront.map(({ bought }) => bought.length);
  await waitUntil('nobody knows', () => inFront.every(({ answers }) => (answers.get('unknown') ?? 0) > 50));
  // At most those whose WAIT was answered just before.
  const after = inFront.map(({ bought }) => bought.length);
  await cluster.failOver(master);
  await cluster.comeBack(master);
  await allBought(inFront, 100);
  tell(`replicated, replication cut: ${words(inFront)}; ${String(before)} -> ${String(after)}`);
  expect(await lostOf(inFront, [hit])).toEqual([]);
});

it('strict: what a replica never heard of is lost with its master, and ends as the docs say', async () => {
  await start('strict');
  const items = await itemPerMaster();
  const [hit] = items;
  const inFront = crowds([hit]);
  await allBought(inFront, 100);
  const master = await cluster.masterOf(itemKeys(hit).item);
  await cutReplication(master, await cluster.replicaOf(master));
  await allBought(inFront, 300);
  const acknowledged = inFront.flatMap(({ bought }) => bought).length;
  await cluster.failOver(master);
  await allBought(inFront, 100);
  const lost = await lostOf(inFront, [hit]);
  tell(
    `strict, replication cut: ${lost.length} of ${acknowledged} acknowledged orders lost; ${words(inFront)}`,
  );
  expect(lost.length).toBeGreaterThanOrEqual(600);
  expect(lost.length).toBeLessThanOrEqual(acknowledged);

  const [orderId = ''] = lost;
  expect(await first().gate.readOrder(orderId)).toEqual({ outcome: 'unknownOrder' });
  const request = inFront.flatMap(({ bought }) => bought).find((one) => one.orderId === orderId);
  if (request === undefined) throw new Error('lost, and never bought');
  expect(await first().gate.reserve(request)).toMatchObject({ outcome: 'accepted' });
  // The ledger had booked another of them: the item closes until it is rebuilt.
  const [, booked = ''] = lost;
  const watermark = { epoch: 1, watermark: 150, watermarkOrderId: booked };
  const settled = { ...hit, ...watermark, states: [], runs: [{ upTo: 150, atMs: 1 }] };
  expect(await first().gate.settle(settled)).toEqual({ outcome: 'rewound' });
  expect(await first().gate.reserve(purchase(hit))).toEqual({ outcome: 'notReady' });
});

it('replicated: a hot item moves from master to master and back under load', async () => {
  await start('replicated');
  const items = await itemPerMaster();
  const [hot] = items;
  await first().gate.reserve(purchase(hot, { shopperId: 'first' }));
  const early = await recordsOf(first().connection, hot);
  const inFront = crowds(items);
  await allBought(inFront, 100);
  for (const place of [1, 2, 0]) {
    const target = cluster.nodes[place];
    if (target === undefined) throw new Error('no such node');
    const move = await SlotMove.begin(cluster, itemKeys(hot).item, target);
    for (let key = 0; key < 3; key += 1) await move.moveOneKey();
    const tryAgain = await cluster.errorReplies('TRYAGAIN');
    await waitUntil('keys are under way', async () => (await cluster.errorReplies('TRYAGAIN')) > tryAgain);
    while (await move.moveOneKey());
    const ask = await cluster.errorReplies('ASK');
    await waitUntil('the target is asked', async () => (await cluster.errorReplies('ASK')) > ask);
    await move.finish();
    await allBought(inFront, 100);
    expect(await cluster.masterOf(itemKeys(hot).item)).toBe(target);
  }
  expect(await cluster.errorReplies('MOVED')).toBeGreaterThan(0);
  tell(`replicated, three moves: ${words(inFront)}`);
  const all = [...inFront.flatMap(({ answers }) => [...answers.keys()])];
  expect(new Set(all)).toEqual(new Set(['accepted', 'notReady']));
  const bought = (await Promise.all(inFront.map((crowd) => crowd.leave()))).flat();
  for (const item of items) {
    const ids = bought.filter(({ productId }) => productId === item.productId).map(({ orderId }) => orderId);
    const expected = item === hot ? [...early.keys(), ...ids] : ids;
    expect([...(await recordsOf(first().connection, item)).keys()].sort()).toEqual(expected.sort());
  }
});
