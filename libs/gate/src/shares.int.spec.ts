import { GateWorld, randomId } from '@flux/testing';
import { InvalidRequestError, SHARE_KINDS, Shares, shareKeys } from './index';

let world: GateWorld;
let shares: Shares;
const endsAtMs = Date.now() + 3_600_000;

beforeAll(async () => {
  world = await GateWorld.start();
  shares = new Shares(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

it('adds up what gateways counted, by kind and source, until it is removed or ends', async () => {
  const saleId = randomId('sale');
  const many = new Map(Array.from({ length: 1_201 }, (_, index) => [`source-${index}`, 2] as const));
  await Promise.all([
    shares.add({ saleId, kind: 'address', units: many, endsAtMs }),
    shares.add({ saleId, kind: 'address', units: new Map([['source-7', 5]]), endsAtMs }),
    shares.add({ saleId, kind: 'device', units: new Map([['phone', 1]]), endsAtMs }),
  ]);
  await shares.salt(saleId, endsAtMs);
  const read = await shares.read(saleId, 'address');
  expect(read.size).toBe(1_201);
  expect([read.get('source-7'), read.get('source-1200')]).toEqual([7, 2]);
  expect(await shares.read(saleId, 'device')).toEqual(new Map([['phone', 1]]));
  expect(await shares.read(saleId, 'network')).toEqual(new Map());

  const { salt, ...hashes } = shareKeys(saleId);
  for (const key of [salt, hashes.address, hashes.device]) {
    expect(await world.server.client.pexpiretime(key)).toBe(endsAtMs);
  }
  await shares.remove(saleId);
  for (const kind of SHARE_KINDS) expect((await shares.read(saleId, kind)).size).toBe(0);
  expect(await world.server.client.exists(salt)).toBe(0);
});

it('gives all gateways one salt for a sale, and another for the next', async () => {
  const saleId = randomId('sale');
  const salts = await Promise.all(Array.from({ length: 20 }, () => shares.salt(saleId, endsAtMs)));
  expect(new Set(salts).size).toBe(1);
  expect(salts[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(await shares.salt(randomId('sale'), endsAtMs)).not.toBe(salts[0]);
});

it('refuses what is no sale', async () => {
  await expect(shares.read('a:b', 'address')).rejects.toThrow(InvalidRequestError);
  await expect(shares.salt('', endsAtMs)).rejects.toThrow(InvalidRequestError);
});
