import { freePort, gateConfig, opening, purchase, randomItem, startRedis, waitUntil } from '@flux/testing';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Catalogue,
  GateClient,
  GateModule,
  GateSubscriber,
  Outboxes,
  RedisConnection,
  Refusals,
} from './index';

it('gives the clients to a process and closes their connections', async () => {
  const server = await startRedis();
  const module = await Test.createTestingModule({
    imports: [GateModule.forRoot(gateConfig(server.url))],
  }).compile();
  await module.init();
  const gate = module.get(GateClient);
  await waitUntil('the gate is ready', () => gate.isReady());
  const item = randomItem();
  await gate.open(opening(item));
  expect(await gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
  expect(await module.get(Outboxes).list()).toEqual([item]);
  expect(await module.get(Catalogue).isWritten()).toBe(false);
  expect(await module.get(Refusals).read(item.saleId)).toEqual({});
  await module.get(GateSubscriber).subscribe(item, {});
  await module.close();
  await waitUntil('no connection is left', async () => {
    const list = String(await server.client.client('LIST'));
    return !list.includes('name=flux-gate');
  });
  await server.remove();
});

it('says at its start what an order survives', async () => {
  const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  const url = `redis://127.0.0.1:${await freePort()}`;
  const module = await Test.createTestingModule({
    imports: [GateModule.forRoot(gateConfig(url, { FLUX_DURABILITY: 'replicated' }))],
  }).compile();
  await module.close();
  expect(log.mock.calls.flat()).toContainEqual(expect.stringMatching(/^FLUX_DURABILITY is replicated: /));
  log.mockRestore();
});

it('starts without a Redis, and is not ready', async () => {
  const port = await freePort();
  const module = await Test.createTestingModule({
    imports: [GateModule.forRoot(gateConfig(`redis://127.0.0.1:${port}`))],
  })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  await module.init();
  expect(module.get(RedisConnection).isReady()).toBe(false);
  expect(await module.get(GateClient).reserve(purchase(randomItem()))).toMatchObject({
    outcome: 'unavailable',
  });
  await module.close();
});
