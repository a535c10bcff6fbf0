import { EventReader } from '../../apps/gateway/test/event-reader';
import { buyOrder, codeOf, randomId, startGateway, useWorld } from '../../apps/gateway/test/world';

const TRIES = 1_000;
const MOST = 30;

describe('event streams against those who would have them all', () => {
  const world = useWorld({ FLUX_CORS_ORIGINS: 'https://shop.example' });
  const readers: EventReader[] = [];

  afterEach(() => {
    for (const reader of readers.splice(0)) reader.leave();
  });

  async function openAll(count: number, path: (index: number) => string, shopper: string) {
    const opened = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        EventReader.open(`${world.gateway.base}${path(index)}`, { 'x-shopper-id': shopper }),
      ),
    );
    readers.push(...opened);
    return opened.map(({ status }) => status);
  }

  it.each([
    ['no page', {}, 200],
    ["the shop's page", { origin: 'https://shop.example' }, 200],
    ['a foreign page', { origin: 'https://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a page whose origin begins like the shop', { origin: 'https://shop.example.evil.example' }, 403],
  ])('S35: %s that opens one gets %j -> %i', async (_who, headers, status) => {
    const { orderId, shopper } = await buyOrder(world.gateway, await world.shop.open());
    const reader = await EventReader.open(`${world.gateway.base}/v1/orders/${orderId}/events`, {
      'x-shopper-id': shopper,
      ...headers,
    });
    readers.push(reader);
    expect(reader.status).toBe(status);
  });

  it('S35: a page of the gateway itself may follow a place, a foreign one may not', async () => {
    const { saleId } = await world.shop.open();
    const ask = (origin: string) =>
      fetch(`${world.gateway.base}/v1/sales/${saleId}/queue/events`, { headers: { origin } });
    expect(await codeOf(await ask('https://evil.example'))).toBe('forbidden');
    // Without a ticket, but past the guard.
    expect(await codeOf(await ask(new URL(world.gateway.base).origin))).toBe('unauthenticated');
  });

  it(`S35: of ${TRIES} streams of one shopper ${MOST} are opened, the others are answered 429`, async () => {
    const shopper = randomId('shopper');
    const items = await Promise.all(
      Array.from({ length: 4 }, () => world.shop.open({ stock: 100, perShopperLimit: 100 })),
    );
    const orders = await Promise.all(items.map((item) => buyOrder(world.gateway, item, shopper)));
    const path = (index: number) => `/v1/orders/${orders[index % orders.length]?.orderId ?? ''}/events`;
    const statuses = await openAll(TRIES, path, shopper);
    expect(statuses.filter((status) => status === 200)).toHaveLength(MOST);
    expect(statuses.filter((status) => status === 429)).toHaveLength(TRIES - MOST);

    const other = await buyOrder(world.gateway, await world.shop.open());
    expect(await openAll(1, () => `/v1/orders/${other.orderId}/events`, other.shopper)).toEqual([200]);
  });

  it('S35: a gateway of few streams goes on selling when they are taken', async () => {
    const full = await startGateway(world.redis.url, { FLUX_EVENT_STREAMS: '1' });
    const item = await world.shop.open();
    const { orderId, shopper } = await buyOrder(full, item);
    const open = () =>
      EventReader.open(`${full.base}/v1/orders/${orderId}/events`, { 'x-shopper-id': shopper });
    const [first, second] = [await open(), await open()];
    readers.push(first, second);
    expect([first.status, second.status]).toEqual([200, 503]);
    expect((await buyOrder(full, item)).answer.status).toBe('accepted');
  });
});
