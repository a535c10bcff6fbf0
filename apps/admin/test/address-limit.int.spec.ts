import { AdminWorld, SERVICE } from './admin.world';

describe('the limit of addresses at the admin process', () => {
  let world: AdminWorld;

  beforeAll(async () => {
    world = await AdminWorld.start({
      settings: { FLUX_ADMIN_ADDRESS_LIMIT: '4/1m', FLUX_TRUSTED_PROXIES: '127.0.0.1' },
    });
  });
  afterAll(() => world.stop());

  const from = (address: string, options: Parameters<AdminWorld['call']>[2] = {}, path = '/admin/v1/sales') =>
    world.call('GET', path, { ...options, headers: { 'x-forwarded-for': address } });

  it('counts all routes, whoever asks and with whatever key, and leaves probes alone', async () => {
    const answers = [
      await from('10.0.0.1'),
      await from('10.0.0.1', { key: null }),
      await from('10.0.0.1', { key: 'no-key-at-all-0123456789' }),
      await from('10.0.0.1', { key: SERVICE.key }, '/shop/v1/orders'),
      await from('10.0.0.1'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 200, 429]);
    const [, , , , refused] = answers;
    expect(refused?.body).toMatchObject({ code: 'rate-limited' });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(10);
    expect((await from('10.0.0.1', { key: null })).status).toBe(429);
    expect((await from('10.0.0.2')).status).toBe(200);
    for (let probe = 0; probe < 6; probe += 1) {
      expect((await from('10.0.0.1', {}, '/health/live')).status).toBe(200);
      expect((await from('10.0.0.1', {}, '/metrics')).status).toBe(200);
    }
  });
});
