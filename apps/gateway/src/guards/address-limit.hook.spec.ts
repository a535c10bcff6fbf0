import type { HttpAdapterHost } from '@nestjs/core';
import fastify, { type FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../gateway.config';
import { AddressLimitHook } from './address-limit.hook';

describe('the hook of the address limit', () => {
  function appWithLimit(limit: number): FastifyInstance {
    const app = fastify();
    const adapters = { httpAdapter: { getInstance: () => app } } as unknown as HttpAdapterHost;
    const config = { FLUX_ADDRESS_LIMIT: limit, FLUX_ADDRESS_WINDOW_MS: 60_000 } as GatewayConfig;
    new AddressLimitHook(adapters, config).onModuleInit();
    for (const url of ['/v1/sales', '/health/live', '/healthy']) app.get(url, () => 'fine');
    return app;
  }

  const ask = async (app: FastifyInstance, remoteAddress: string, url = '/v1/sales') =>
    (await app.inject({ url, remoteAddress })).statusCode;

  it('counts each address on its own', async () => {
    const app = appWithLimit(2);
    const statuses = ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.1'].map((address) => ask(app, address));
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 429]);
  });

  it('takes a whole IPv6 /64 for one address, and an IPv4 address in IPv6 for itself', async () => {
    const app = appWithLimit(1);
    expect(await ask(app, '2001:db8:1:2::1')).toBe(200);
    expect(await ask(app, '2001:db8:1:2:ffff::9')).toBe(429);
    expect(await ask(app, '2001:db8:1:3::1')).toBe(200);
    expect(await ask(app, '192.0.2.1')).toBe(200);
    expect(await ask(app, '::ffff:192.0.2.1')).toBe(429);
  });

  it('counts no probe, and what is named like one', async () => {
    const app = appWithLimit(1);
    for (let probe = 0; probe < 3; probe += 1) expect(await ask(app, '10.0.0.1', '/health/live')).toBe(200);
    expect(await ask(app, '10.0.0.1', '/healthy')).toBe(200);
    expect(await ask(app, '10.0.0.1', '/healthy')).toBe(429);
    expect(await ask(app, '10.0.0.1', '/health/live')).toBe(200);
  });

  it('says when the window ends, and that an answer is not to be kept', async () => {
    const app = appWithLimit(1);
    await ask(app, '10.0.0.1');
    const { headers, body } = await app.inject({ url: '/v1/sales', remoteAddress: '10.0.0.1' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(58);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(63);
    expect(headers['cache-control']).toBe('no-store');
    expect(JSON.parse(body)).toMatchObject({ status: 429, code: 'rate-limited' });
  });
});
