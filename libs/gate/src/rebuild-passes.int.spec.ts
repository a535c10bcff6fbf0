import { byId, closeAndBegin, endWith, GateWorld, purchase, randomPassId, rebuiltOrder } from '@flux/testing';
import { GateRebuild, itemKeys } from './index';

let world: GateWorld;
let rebuild: GateRebuild;

beforeAll(async () => {
  world = await GateWorld.start();
  rebuild = new GateRebuild(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

describe('a rebuilt gate', () => {
  it('takes no pass again that an order of any page redeemed, and takes one that none of them has', async () => {
    const item = await world.opened();
    const [spent, spentToo, givenBack] = [randomPassId(), randomPassId(), randomPassId()];
    const buys = async (passId: string): Promise<string> =>
      (await world.gate.reserve(purchase(item, { passId }))).outcome;
    world.gate.knowRoom(item.saleId, { since: 1, state: 'on' });
    const bought = await Promise.all([spent, spentToo].map((passId) => world.accepted(item, { passId })));
    await world.accepted(item, { passId: givenBack });
    const [first, second] = byId(
      ...bought.map((order) => {
        return rebuiltOrder(order, { passId: order.passId, status: 'expired', liveUnits: 0 });
      }),
    );
    await world.server.client.flushall();
    await closeAndBegin(rebuild, item);
    await rebuild.page({ ...item, epoch: 2, after: '', orders: [first!] });
    await rebuild.page({ ...item, epoch: 2, after: first!.orderId, orders: [second!] });
    await rebuild.end(endWith(item, { lastOrderId: second!.orderId }));
    expect(await Promise.all([spent, spentToo, givenBack].map(buys))).toEqual([
      'passUsed',
      'passUsed',
      'accepted',
    ]);
  });

  it('has no pass of the gate before', async () => {
    const item = await world.opened();
    await world.accepted(item, { passId: randomPassId() });
    await closeAndBegin(rebuild, item);
    await rebuild.end(endWith(item));
    expect(await world.server.client.exists(itemKeys(item).passes)).toBe(0);
  });
});
