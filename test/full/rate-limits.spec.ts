import { offer, tolerance } from '../../apps/gateway/test/rate-limits.world';
import { startWorld, type World } from '../e2e/support/world';

jest.setTimeout(900_000);

/** Four gateways as processes of their own, a minute long; `npm test` has five seconds of it in one process. */
describe('a limit over four gateways', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld(
      { gateways: 4, relays: 0, orders: 0 },
      { FLUX_ADDRESS_LIMIT: '200/1s burst=20', FLUX_TRUSTED_PROXIES: '127.0.0.1' },
    );
  });
  afterAll(() => world.stop());

  it('lets through what the policy says, to the hundredth', async () => {
    const wanted = {
      redis: world.redis.client,
      bases: world.gateways.map(({ baseUrl }) => baseUrl),
      address: '10.4.0.',
      ratePerSecond: 200,
      burst: 20,
      forMs: 60_000,
    };
    const outcome = await offer(wanted);
    const { allowed, offered, expected } = outcome;
    expect(offered).toBeGreaterThan(1.2 * expected);
    expect(Math.abs(allowed / expected - 1)).toBeLessThanOrEqual(tolerance(outcome, wanted));
  });
});
