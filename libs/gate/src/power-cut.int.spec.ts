import type { ItemRef } from '@flux/contracts';
import { endOf, GateWorld, opening, purchase, randomItem, recordsOf, waitUntil } from '@flux/testing';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { itemKeys } from './index';

/** How much of the file's tail is cut, and in which steps. A call with one order writes about 700 bytes. */
const TAIL_BYTES = 1_600;
const STEP_BYTES = 37;

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

/** Cuts the file shorter and shorter, and looks at what a server makes of it. */
async function atEveryCut(look: () => Promise<void>): Promise<void> {
  await world.server.stop();
  const whole = await readFile(world.server.appendOnlyFile);
  for (let cut = 1; cut <= TAIL_BYTES; cut += STEP_BYTES) {
    await writeFile(world.server.appendOnlyFile, whole.subarray(0, whole.length - cut));
    await world.server.restart();
    await look();
    await world.server.kill();
  }
  await writeFile(world.server.appendOnlyFile, whole);
  await world.server.restart();
  await world.clients.connection.whenReady();
}

interface Left {
  readonly stock: string | null;
  readonly sequence: string | null;
  readonly units: number;
  readonly orders: readonly string[];
  readonly entries: readonly string[];
}

async function whatIsLeft(item: ItemRef): Promise<Left> {
  const { stock, item: hash, shoppers, orders, outbox } = itemKeys(item);
  const { client } = world.server;
  const [left, sequence, counts, records, entries] = await Promise.all([
    client.get(stock),
    client.hget(hash, 'sequence'),
    client.hvals(shoppers),
    client.hkeys(orders),
    client.xrange(outbox, '-', '+'),
  ]);
  const lines = entries.flatMap(([, fields]) => (fields[5] ?? '').split('\n'));
  return {
    stock: left,
    sequence,
    units: counts.map(Number).reduce((sum, count) => sum + count, 0),
    orders: records.sort(),
    entries: lines.map((line) => line.split(' ')[0] ?? '').sort(),
  };
}

it('keeps decrement, count, record, sequence and outbox entry together, wherever the file is cut', async () => {
  const item = randomItem();
  await world.gate.open(opening(item, { available: 50 }));
  for (let call = 0; call < 6; call += 1) await world.accepted(item, { quantity: 2 });
  const seen = new Set<string>();
  await atEveryCut(async () => {
    const left = await whatIsLeft(item);
    const units = left.orders.length * 2;
    expect(left.entries).toEqual(left.orders);
    expect(left).toMatchObject({ stock: String(50 - units), units, sequence: String(left.orders.length) });
    seen.add(String(left.stock));
  });
  // The cuts did reach into several calls.
  expect(seen.size).toBeGreaterThan(1);
});

it('keeps intent, sequence and outbox entry of a wish to cancel together, and all parts of a release', async () => {
  const item = randomItem();
  await world.gate.open(opening(item, { available: 50 }));
  const orders = [];
  for (let call = 0; call < 4; call += 1) orders.push(await world.accepted(item, { quantity: 2 }));
  for (const order of orders) {
    await world.gate.cancel(order);
    await world.release(item, endOf(order, { status: 'cancelled' }));
  }
  const { stock, item: hash, shoppers, outbox, changes } = itemKeys(item);
  const seen = new Set<string>();
  await atEveryCut(async () => {
    const { client } = world.server;
    const records = [...(await recordsOf({ client }, item)).values()];
    const wished = records.filter(({ cancelSequence }) => cancelSequence !== undefined).length;
    const cancelled = records.filter(({ state }) => state === 'cancelled').length;
    expect(await client.xlen(outbox)).toBe(4 + wished);
    expect(await client.hget(hash, 'sequence')).toBe(String(4 + wished));
    expect(await client.hlen(changes)).toBe(cancelled);
    expect(await client.get(stock)).toBe(String(42 + cancelled * 2));
    const counts = (await client.hvals(shoppers)).map(Number);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(8 - cancelled * 2);
    seen.add(wished > cancelled ? 'after the wish' : 'after the release');
  });
  expect(seen.size).toBe(2);
});

describe('fast', () => {
  /** Redis syncs each second, and waits for a sync that still runs for up to 2 s. */
  const AT_RISK_MS = 2_000;
  let fast: GateWorld;

  beforeAll(async () => {
    fast = await GateWorld.start({ FLUX_DURABILITY: 'fast' }, { appendfsync: 'everysec' });
  });
  afterAll(async () => {
    await fast.end();
  });

  it('loses to a power cut no more than what was accepted in the last 2 seconds, and whole orders', async () => {
    const item = await fast.opened({ available: 1_000_000 });
    const acknowledgedAt = new Map<string, number>();
    const sizes: { readonly atMs: number; readonly bytes: number }[] = [];
    let isOn = true;
    const shoppers = Array.from({ length: 4 }, async () => {
      while (isOn) {
        const request = purchase(item);
        const { outcome } = await fast.gate.reserve(request);
        if (outcome === 'accepted') acknowledgedAt.set(request.orderId, performance.now());
      }
    });
    // What the file holds at a moment is on the disk 2 s later; the rest is what the power takes.
    const long = await waitUntil('the sale has gone on for long enough', async () => {
      const [atMs, { size: bytes }] = [performance.now(), await stat(fast.server.appendOnlyFile)];
      sizes.push({ atMs, bytes });
      return atMs - (sizes[0]?.atMs ?? atMs) > AT_RISK_MS + 500 && { cutAtMs: atMs };
    });
    await fast.server.kill();
    isOn = false;
    await Promise.all(shoppers);

    const safe = sizes.find(({ atMs }) => atMs >= long.cutAtMs - AT_RISK_MS);
    await truncate(fast.server.appendOnlyFile, safe?.bytes);
    await fast.server.restart();
    await fast.clients.connection.whenReady();

    const records = await fast.records(item);
    const lost = [...acknowledgedAt].filter(([orderId]) => !records.has(orderId));
    const recent = [...acknowledgedAt.values()].filter((atMs) => atMs > long.cutAtMs - AT_RISK_MS).length;
    process.stdout.write(
      `fast, power cut: ${lost.length} of ${acknowledgedAt.size} acknowledged orders lost, ${recent} were of the last ${AT_RISK_MS} ms\n`,
    );
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThanOrEqual(recent);
    expect(lost.filter(([, atMs]) => atMs < long.cutAtMs - AT_RISK_MS)).toEqual([]);
    expect(records.size).toBeGreaterThan(0);
    expect(await fast.itemNow(item)).toMatchObject({
      available: 1_000_000 - records.size,
      sequence: records.size,
    });
  });
});
