import { orderStatusEventSchema, type LedgerEvent, type OrderStatusEvent } from '@flux/contracts';
import { OrderEntity, OrderEventQueue, WebhookDeliveryEntity, WebhookEndpointEntity } from '@flux/ledger';
import { randomId } from '@flux/testing';
import { LifeWorld, type LifeProcess } from './life-world';

jest.setTimeout(120_000);

let world: LifeWorld;
let shop: LifeProcess;
let queue: OrderEventQueue;

beforeEach(async () => {
  world = await LifeWorld.start();
  shop = await world.process();
  queue = new OrderEventQueue(world.sale.database.dataSource);
});
afterEach(() => world.stop());

async function lives(): Promise<{ readonly ids: string[] }> {
  const { item, orderIds } = await world.confirmed(6, { left: 2 });
  const [paid, cancelled, late, ...expired] = orderIds;
  await shop.payments.pay(await world.paymentFor(paid!));
  await shop.cancellations.cancel({ orderId: cancelled!, reason: 'no' });
  await world.runOut([late!, ...expired]);
  await shop.expire();
  await shop.payments.pay(await world.paymentFor(late!));
  return { ids: await world.eventIds(item) };
}

const noLedger = { ledger: (): Promise<void> => Promise.resolve() };

async function publishAll(publisher = queue): Promise<OrderStatusEvent[]> {
  const sent: OrderStatusEvent[] = [];
  for (;;) {
    const { events } = await publisher.publish({
      ...noLedger,
      statuses: (batch) => {
        sent.push(...batch);
        return Promise.resolve();
      },
    });
    if (events === 0) return sent;
  }
}

async function endpoint(removedAt: Date | null = null): Promise<string> {
  const id = randomId('endpoint');
  const row = { id, url: 'https://shop.example/hook', secrets: ['whsec_x'], removedAt };
  await world.manager.insert(WebhookEndpointEntity, row);
  return id;
}

async function deliveriesOf(endpointId: string): Promise<string[]> {
  const rows = await world.manager.find(WebhookDeliveryEntity, {
    where: { endpointId },
    order: { id: 'ASC' },
  });
  return rows.map(({ event }) => event.id);
}

describe('the queue of events', () => {
  it('has every change once, in the order of the changes, as the schema promises', async () => {
    const { ids } = await lives();
    const sent = await publishAll();
    expect(sent.map(({ id }) => id)).toEqual(ids);
    for (const event of sent) expect(orderStatusEventSchema.parse(event)).toEqual(event);

    const orders = await world.manager.find(OrderEntity);
    const transitions = orders.flatMap(({ orderId, state, history }) =>
      [...(history ?? []).map(({ status }) => status), state].map((status) => `${orderId}.${status}`),
    );
    expect([...ids].sort()).toEqual(transitions.sort());
    expect(await publishAll()).toEqual([]);
  });

  it('tells when and why, what is held until when, and by what it was paid', async () => {
    const { item, orderIds } = await world.confirmed(2);
    const payment = await world.paymentFor(orderIds[0]!);
    await shop.payments.pay(payment);
    await shop.cancellations.cancel({ orderId: orderIds[1]!, reason: 'sold elsewhere' });
    const sent = await publishAll();
    const byId = new Map(sent.map((event) => [event.id, event]));
    const { decidedAt, history } = await world.order(orderIds[0]!);
    expect(byId.get(`${orderIds[0]!}.paid`)).toMatchObject({
      ...item,
      paymentId: payment.paymentId,
      occurredAt: decidedAt.toISOString(),
    });
    const confirmed = byId.get(`${orderIds[0]!}.confirmed`)!;
    expect(confirmed.occurredAt).toBe(history![0]!.at);
    expect(Date.parse(confirmed.holdUntil!) - Date.parse(confirmed.occurredAt)).toBe(600_000);
    expect(byId.get(`${orderIds[1]!}.cancelled`)).toMatchObject({ reason: 'sold elsewhere' });
  });

  it('keeps what could not be sent, and sends it again with the same ids', async () => {
    const { ids } = await lives();
    const hook = await endpoint();
    const down = (): Promise<void> => Promise.reject(new Error('Kafka is down'));
    await expect(queue.publish({ ...noLedger, statuses: down })).rejects.toThrow('down');
    expect(await deliveriesOf(hook)).toEqual([]);
    // Sent, and then the process dies before it can take the events out.
    const dying = new OrderEventQueue(await world.sale.database.connect());
    const first: string[] = [];
    const died = dying.publish({
      ...noLedger,
      statuses: async (batch) => {
        first.push(...batch.map(({ id }) => id));
        await dying['dataSource'].destroy();
      },
    });
    await expect(died).rejects.toThrow();
    const again = await publishAll();
    expect(again.map(({ id }) => id)).toEqual(ids);
    expect(ids.slice(0, first.length)).toEqual(first);
    expect(await deliveriesOf(hook)).toEqual(ids);
  });

  it('puts every event on its way to every endpoint once, also with two publishers', async () => {
    const [one, two] = [await endpoint(), await endpoint()];
    const removed = await endpoint(new Date());
    const { ids } = await lives();
    const other = new OrderEventQueue(await world.sale.database.connect());
    await Promise.all([publishAll(), publishAll(other)]);
    for (const id of [one, two]) expect((await deliveriesOf(id)).sort()).toEqual([...ids].sort());
    expect(await deliveriesOf(removed)).toEqual([]);
    expect(await world.manager.countBy(WebhookDeliveryEntity, { state: 'pending', attempts: 0 })).toBe(
      2 * ids.length,
    );
  });

  it('goes on in parts while there is more', async () => {
    const item = await world.sale.openItem({ stock: 20 });
    for (let turn = 0; turn < 20; turn += 1) await world.buy(item, 1);
    const ids = await world.eventIds(item);
    const sent: string[] = [];
    const send = {
      ...noLedger,
      statuses: (batch: readonly OrderStatusEvent[]): Promise<void> => {
        sent.push(...batch.map(({ id }) => id));
        return Promise.resolve();
      },
    };
    expect(await queue.publish(send)).toEqual({ events: 16, more: true });
    expect(await queue.oldestAtMs()).toBeGreaterThan(0);
    expect(await queue.publish(send)).toEqual({ events: 4, more: false });
    expect(sent).toEqual(ids);
    expect(await queue.oldestAtMs()).toBeUndefined();
  });

  it('sends ledger events ahead, in the order of the versions, and each once while nothing fails', async () => {
    const item = await world.sale.openItem({ stock: 40 });
    for (let turn = 0; turn < 20; turn += 1) await world.buy(item, 1);
    const versions: number[] = [];
    const ledger = (events: readonly LedgerEvent[]): Promise<void> => {
      versions.push(...events.map(({ version }) => version));
      return Promise.resolve();
    };
    expect(await queue.publishLedger(ledger)).toEqual({ more: true });
    expect(await queue.publishLedger(ledger)).toEqual({ more: false });
    const all = Array.from({ length: 20 }, (_, index) => index + 2);
    expect(versions).toEqual(all);
    expect(await queue.isPublished(item)).toBe(false);
    await world.buy(item, 1);
    while ((await queue.publish({ statuses: () => Promise.resolve(), ledger })).more);
    expect(versions).toEqual([...all, 22]);
    expect(await queue.isPublished(item)).toBe(true);
  });

  it('keeps what only one of the two topics has, and sends the other what it lacks', async () => {
    const { ids } = await lives();
    const versions: string[] = [];
    const statuses: string[] = [];
    const send = {
      ledger: (events: readonly LedgerEvent[]): Promise<void> => {
        versions.push(...events.map(({ productId, version }) => `${productId} ${version}`));
        return Promise.resolve();
      },
      statuses: (events: readonly OrderStatusEvent[]): Promise<void> => {
        statuses.push(...events.map(({ id }) => id));
        return Promise.resolve();
      },
    };
    const down = (): Promise<void> => Promise.reject(new Error('Kafka is down'));
    await expect(queue.publish({ ...send, ledger: down })).rejects.toThrow('down');
    expect([versions.length, statuses.length]).toEqual([0, ids.length]);
    await expect(queue.publish({ ...send, statuses: down })).rejects.toThrow('down');
    const sent = [...versions];
    expect(sent.length).toBeGreaterThan(0);
    while ((await queue.publish(send)).more);
    // The ledger's events were safe before; the others come again.
    expect(versions).toEqual(sent);
    expect(statuses).toEqual([...ids, ...ids]);
  });
});
