import type { ItemRef } from '@flux/contracts';
import { GateWorld, opening, randomItem } from '@flux/testing';
import { readFile, writeFile } from 'node:fs/promises';
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
  await world.server.stop();
  const whole = await readFile(world.server.appendOnlyFile);
  const seen = new Set<string>();
  for (let cut = 1; cut <= TAIL_BYTES; cut += STEP_BYTES) {
    await writeFile(world.server.appendOnlyFile, whole.subarray(0, whole.length - cut));
    await world.server.restart();
    const left = await whatIsLeft(item);
    const units = left.orders.length * 2;
    expect(left.entries).toEqual(left.orders);
    expect(left).toMatchObject({ stock: String(50 - units), units, sequence: String(left.orders.length) });
    seen.add(String(left.stock));
    await world.server.kill();
  }
  // The cuts did reach into several calls.
  expect(seen.size).toBeGreaterThan(1);
});
