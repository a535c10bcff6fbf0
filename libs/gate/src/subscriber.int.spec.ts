import { endOf, gateConfig, GateWorld, TcpProxy, waitUntil } from '@flux/testing';
import { GateSubscriber, itemKeys, type OrdersChange } from './index';

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
  await subscriber.subscribe(item, {
    onStock: () => {
      heard += 1;
    },
  });
  await waitUntil('the channel is up', () => subscriber.isUp());
  const order = await world.accepted(item);
  await world.gate.adjust({ ...item, epoch: 1, changeId: 'down', delta: -1 });
  await world.settle(item, { watermark: 1, watermarkOrderId: order.orderId });
  await world.gate.pause(other);
  const steps = [
    () => world.gate.adjust({ ...item, epoch: 1, changeId: 'up', delta: 1 }),
    () => world.release(item, endOf(order)),
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

it('tells up to where orders are settled, and which states were written', async () => {
  const item = await world.opened();
  const heard: OrdersChange[] = [];
  await subscriber.subscribe(item, { onOrders: (change) => heard.push(change) });
  await waitUntil('the channel is up', () => subscriber.isUp());
  const [first, second] = [await world.accepted(item), await world.accepted(item)];
  const rejected = { ...second, status: 'rejected' as const, changedAtMs: 1 };
  const settled = { watermark: 2, watermarkOrderId: second.orderId, states: [rejected] };
  await world.settle(item, { watermark: 1, watermarkOrderId: first.orderId });
  await world.settle(item, settled);
  // Not told, since nothing changes: repeats, a settle from before, the wish itself, units without a record.
  await world.settle(item, settled);
  await world.settle(item, { watermark: 1, watermarkOrderId: first.orderId });
  await world.settle(item, { states: [rejected] });
  await world.gate.cancel(first);
  await world.release(item, endOf(first, { changeId: 'back:1', status: undefined }));
  await world.release(item, endOf(second));
  await world.release(item, endOf(first, { status: 'cancelled' }));
  await world.release(item, endOf(first, { status: 'cancelled' }));
  await world.settle(item, { states: [{ ...first, status: 'paid', changedAtMs: 2 }] });
  await waitUntil('the last was heard', () => heard.length === 4);
  expect(heard).toEqual([
    { watermark: 1, orderIds: [] },
    { watermark: 2, orderIds: [second.orderId] },
    { watermark: 2, orderIds: [first.orderId] },
    { watermark: 2, orderIds: [first.orderId] },
  ]);
});

it('tells of a watermark only with the last of many states', async () => {
  const item = await world.opened({ available: 450 });
  const heard: OrdersChange[] = [];
  await subscriber.subscribe(item, { onOrders: (change) => heard.push(change) });
  await waitUntil('the channel is up', () => subscriber.isUp());
  const orders = await Promise.all(Array.from({ length: 450 }, () => world.accepted(item)));
  const states = orders.map((order) => ({ ...order, status: 'rejected' as const, changedAtMs: 1 }));
  const watermarkOrderId = orders.at(-1)?.orderId ?? '';
  await world.settle(item, { watermark: 450, watermarkOrderId, states });
  const told = (): readonly string[] => heard.flatMap(({ orderIds }) => orderIds);
  await waitUntil('all were heard of', () => told().length === 450);
  expect(told()).toEqual(orders.map(({ orderId }) => orderId));
  expect(heard.map(({ watermark }) => watermark)).toEqual([0, 0, 450]);
});

it('passes over words that it does not know', async () => {
  const item = await world.opened();
  const heard: string[] = [];
  await subscriber.subscribe(item, {
    onStock: () => heard.push('stock'),
    onOrders: ({ watermark, orderIds }) => heard.push(`orders ${watermark} ${orderIds.join()}`),
  });
  await waitUntil('the channel is up', () => subscriber.isUp());
  const { channel } = itemKeys(item);
  for (const message of ['news', '', 'orders 7', 'orders 8 a b', 'stock']) {
    await world.server.client.publish(channel, message);
  }
  await waitUntil('the last was heard', () => heard.includes('stock'));
  expect(heard).toEqual(['orders 7 ', 'orders 8 a,b', 'stock']);
});

it('tells that the channel is down, and is up again only with every subscription', async () => {
  const item = await world.opened();
  const changes: boolean[] = [];
  subscriber.onChange((up) => changes.push(up));
  let heard = 0;
  await subscriber.subscribe(item, {
    onStock: () => {
      heard += 1;
    },
  });
  await waitUntil('the channel is up', () => subscriber.isUp());
  await world.server.kill();
  await waitUntil('the loss is told', () => !subscriber.isUp());
  const late = await subscriber.subscribe({ ...item, productId: 'late' }, {});
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
  const count = {
    onStock: (): void => {
      heard += 1;
    },
  };
  const end = await subscriber.subscribe(item, count);
  await waitUntil('the channel is up', () => subscriber.isUp());
  const endOther = await subscriber.subscribe(item, {});
  const listeners = async (): Promise<number> =>
    Number((await world.server.client.pubsub('NUMSUB', channel))[1]);
  expect(await listeners()).toBe(1);
  end();
  await world.server.client.publish(channel, 'stock');
  endOther();
  await waitUntil('nobody listens', async () => (await listeners()) === 0);
  expect(heard).toBe(0);
});

it('notices a server that is gone without a word, and turns to another', async () => {
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.server.port });
  const config = gateConfig(`redis://127.0.0.1:${proxy.port},${world.server.url}`, {
    FLUX_REDIS_COMMAND_TIMEOUT_MS: '300',
  });
  const channel = new GateSubscriber(config);
  const item = await world.opened();
  let heard = 0;
  const changes: boolean[] = [];
  channel.onChange((up) => changes.push(up));
  await channel.subscribe(item, {
    onStock: () => {
      heard += 1;
    },
  });
  await waitUntil('the channel is up', () => channel.isUp());
  proxy.set('hold');
  await waitUntil('the channel is up again', () => changes.length === 3);
  expect(changes).toEqual([true, false, true]);
  await world.gate.adjust({ ...item, epoch: 1, changeId: 'up', delta: 1 });
  await waitUntil('it was heard', () => heard === 1);
  channel.close();
  await proxy.stop();
});
