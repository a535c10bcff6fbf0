import { gateConfig, GateWorld, waitUntil } from '@flux/testing';
import { GateSubscriber, itemKeys } from './index';

let world: GateWorld;
let subscriber: GateSubscriber;

beforeEach(async () => {
  world = await GateWorld.start();
  subscriber = new GateSubscriber(gateConfig(world.server.url));
});
afterEach(async () => {
  subscriber.close();
  await world.end();
});

it('tells when units come back or the state changes, and nothing when they go', async () => {
  const item = await world.opened();
  const other = await world.opened();
  let heard = 0;
  await subscriber.subscribe(item, () => {
    heard += 1;
  });
  await waitUntil('the channel is up', () => subscriber.isUp());
  const { orderId, shopperId } = await world.accepted(item);
  await world.gate.adjust({ ...item, epoch: 1, changeId: 'down', delta: -1 });
  await world.settle(item, { watermark: 1, watermarkOrderId: orderId });
  await world.gate.pause(other);
  const end = { epoch: 1, orderId, shopperId, quantity: 1, status: 'expired', changedAtMs: 1 } as const;
  const steps = [
    () => world.gate.adjust({ ...item, epoch: 1, changeId: 'up', delta: 1 }),
    () => world.gate.release({ ...item, ...end }),
    () => world.gate.pause(item),
    () => world.gate.resume(item),
    () => world.gate.close(item),
    () => world.gate.suspend({ ...item, epoch: 1 }),
  ];
  for (const [index, step] of steps.entries()) {
    await step();
    await waitUntil('it was heard', () => heard === index + 1);
  }
});

it('tells that the channel is down, and is up again only with every subscription', async () => {
  const item = await world.opened();
  const changes: boolean[] = [];
  subscriber.onChange((up) => changes.push(up));
  let heard = 0;
  await subscriber.subscribe(item, () => {
    heard += 1;
  });
  await waitUntil('the channel is up', () => subscriber.isUp());
  await world.server.kill();
  await waitUntil('the loss is told', () => !subscriber.isUp());
  const late = await subscriber.subscribe({ ...item, productId: 'late' }, () => undefined);
  await world.server.restart();
  await waitUntil('the channel is up again', () => subscriber.isUp());
  expect(changes).toEqual([true, false, true]);
  await world.server.client.publish(itemKeys(item).channel, 'stock');
  await waitUntil('it was heard', () => heard === 1);
  late();
});

it('hears no more after the last listener has gone', async () => {
  const item = await world.opened();
  const { channel } = itemKeys(item);
  let heard = 0;
  const count = (): void => {
    heard += 1;
  };
  const end = await subscriber.subscribe(item, count);
  await waitUntil('the channel is up', () => subscriber.isUp());
  const endOther = await subscriber.subscribe(item, () => undefined);
  const listeners = async (): Promise<number> =>
    Number((await world.server.client.pubsub('NUMSUB', channel))[1]);
  expect(await listeners()).toBe(1);
  end();
  await world.server.client.publish(channel, 'stock');
  endOther();
  await waitUntil('nobody listens', async () => (await listeners()) === 0);
  expect(heard).toBe(0);
});
