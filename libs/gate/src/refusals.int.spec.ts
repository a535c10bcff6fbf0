import { GateWorld } from '@flux/testing';
import { InvalidRequestError, refusalsKey } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

it('adds up what gateways counted, by kind, until it is removed', async () => {
  const { refusals } = world.clients;
  expect(await refusals.read('autumn')).toEqual({});
  await Promise.all([
    refusals.add('autumn', { soldOut: 7, 'rate-limited': 1 }),
    refusals.add('autumn', { soldOut: 3 }),
    refusals.add('spring', { soldOut: 5 }),
    refusals.add('autumn', {}),
  ]);
  expect(await refusals.read('autumn')).toEqual({ soldOut: 10, 'rate-limited': 1 });
  await refusals.remove('autumn');
  expect(await refusals.read('autumn')).toEqual({});
  expect(await refusals.read('spring')).toEqual({ soldOut: 5 });
});

it('refuses what it cannot count', async () => {
  const { refusals } = world.clients;
  await expect(refusals.add('a:b', { soldOut: 1 })).rejects.toThrow(InvalidRequestError);
  await expect(refusals.add('winter', { good: 1, soldOut: 0.5 })).rejects.toThrow(InvalidRequestError);
  await expect(refusals.read('a b')).rejects.toThrow(InvalidRequestError);
  await expect(refusals.remove('')).rejects.toThrow(InvalidRequestError);
  expect(await world.server.client.exists(refusalsKey('winter'))).toBe(0);
});
