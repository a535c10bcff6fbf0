import { waitUntil } from '@flux/testing';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';
import { SteadyLoad } from './support/steady-load';

jest.setTimeout(240_000);

/** Longer than the load balancer of the tests takes to notice, on a machine that does much else. */
const GRACE = { FLUX_SHUTDOWN_GRACE_MS: '3000' };

/** F34. */
describe('SIGTERM under load', () => {
  let world: World;
  let gateways: AppProcess[];
  let run: SaleRun;
  let load: SteadyLoad;

  beforeAll(async () => {
    world = await startWorld({ gateways: 0, relays: 3, orders: 3 });
    gateways = await Promise.all([0, 1, 2].map(() => world.start('gateway', GRACE)));
  });

  afterAll(async () => {
    await world.stop();
  });

  afterEach(async () => {
    await run.close();
  });

  async function begin(saleId: string): Promise<void> {
    run = await SaleRun.open(world, saleId);
    load = new SteadyLoad({ run, gateways: () => gateways });
    await load.accepts(100);
  }

  async function ends(): Promise<void> {
    await load.accepts(100);
    await load.stop();
    expect(load.unexpected).toEqual([]);
    expect(load.cutOff).toEqual([]);
    await run.proved();
  }

  it('of a gateway: it is not ready first and goes on answering, on connections that it closes', async () => {
    run = await SaleRun.open(world, 'grace');
    const [gateway, ...others] = gateways;
    gateways = others;
    const ended = gateway!.stop();
    const answer = await waitUntil('it says that it is not ready', async () => {
      const each = await fetch(`${gateway!.baseUrl}/health/ready`);
      return each.status === 503 && each;
    });
    expect(answer.headers.get('retry-after')).not.toBeNull();
    const { productId, shopperId, idempotencyKey } = run.attempt();
    const bought = await fetch(`${gateway!.baseUrl}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-shopper-id': shopperId,
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify({ productId }),
    });
    expect(bought.status).toBe(202);
    expect(bought.headers.get('connection')).toBe('close');
    await bought.arrayBuffer();
    expect(await ended).toBe(0);
  });

  it('of one process after the other cuts no request off, and has no effect twice', async () => {
    await begin('in-turn');
    const [gateway] = gateways;
    const admin = await world.start('admin');
    const [relays, orders] = [world.relays.slice(0, 2), world.orders.slice(0, 2)];
    for (const each of [gateway!, ...relays, ...orders, admin]) {
      expect({ app: each.name, code: await each.stop() }).toEqual({ app: each.name, code: 0 });
      gateways = gateways.filter((other) => other !== each);
      await load.accepts(50);
    }
    await ends();
  });

  it('of everything at once, and a start of everything: what was accepted is there, what was not is tried again', async () => {
    await begin('at-once');
    const alive = world.running().filter((each) => each !== world.admin);
    const codes = await Promise.all(alive.map((each) => each.stop()));
    expect(new Set(codes)).toEqual(new Set([0]));

    const [gateway] = await Promise.all([
      world.start('gateway', GRACE),
      world.start('relay'),
      world.start('orders'),
    ]);
    gateways = [gateway];
    await ends();
  });
});
