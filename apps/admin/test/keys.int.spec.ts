import { hash } from 'node:crypto';
import { LedgerConnection } from '@flux/ledger';
import { Health, Metrics, createLog } from '@flux/telemetry';
import { TcpProxy, waitUntil } from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { adminSettings } from '../src/admin-settings';
import { createAdmin } from '../src/create-admin';
import { type CreatedKey, type KeyAnswer } from '../src/keys/key-docs';
import { AdminWorld, OPERATOR, codeOf, statusAndCode } from './admin.world';

jest.setTimeout(60_000);

describe('keys that owners give out', () => {
  let world: AdminWorld;
  let second: NestFastifyApplication;
  beforeAll(async () => {
    world = await AdminWorld.start();
    second = await world.addProcess();
  });
  afterAll(() => world.stop());

  const create = async (body: Readonly<Record<string, unknown>>): Promise<CreatedKey> => {
    const answer = await world.call('POST', '/admin/v1/keys', { body });
    expect(answer.status).toBe(201);
    return answer.body as CreatedKey;
  };
  const revoke = (id: string) => world.call('DELETE', `/admin/v1/keys/${id}`);
  const list = async (): Promise<readonly KeyAnswer[]> =>
    ((await world.call('GET', '/admin/v1/keys')).body as { readonly keys: readonly KeyAnswer[] }).keys;
  const statusOf = async (key: string) => (await world.call('GET', '/admin/v1/keys', { key })).status;
  const statusAtSecond = async (key: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${await second.getUrl()}/admin/v1/keys`, { headers })).status;
  };
  const audited = (id: string): Promise<Record<string, unknown>[]> =>
    world.dataSource.query('SELECT actor, action, before, after FROM audit_log WHERE subject = $1', [id]);

  it('open what their role may, on this process at once and on others soon, until they are revoked', async () => {
    const { id, key, ...shown } = await create({ name: 'vera', role: 'viewer' });
    expect(key).toMatch(/^fluxop_[A-Za-z0-9_-]{43}$/);
    expect(shown).toMatchObject({ name: 'vera', role: 'viewer', source: 'api', createdBy: 'anna' });
    expect(await statusOf(key)).toBe(200);
    await waitUntil('the other process knows it', async () => (await statusAtSecond(key)) === 200);
    const change = await world.call('POST', '/admin/v1/keys', { key, body: { name: 'eve', role: 'owner' } });
    expect(statusAndCode(change)).toEqual([403, 'forbidden']);

    expect((await revoke(id)).status).toBe(204);
    expect(await statusOf(key)).toBe(401);
    await waitUntil('the other process knows that', async () => (await statusAtSecond(key)) === 401);
    expect((await revoke(id)).status).toBe(204);
    const record = { name: 'vera', role: 'viewer', expiresAt: null };
    expect(await audited(id)).toEqual([
      { actor: 'anna', action: 'key.create', before: null, after: record },
      { actor: 'anna', action: 'key.revoke', before: record, after: { revoked: true } },
    ]);
  });

  it('replace one another without a gap: two of one name are good at once', async () => {
    const old = await create({ name: 'otto', role: 'operator' });
    const next = await create({ name: 'otto', role: 'operator' });
    expect([await statusOf(old.key), await statusOf(next.key)]).toEqual([200, 200]);
    await revoke(old.id);
    expect([await statusOf(old.key), await statusOf(next.key)]).toEqual([401, 200]);
    await world.call('POST', '/admin/v1/sales/no-such-sale/open', { key: next.key });
    const { saleId } = await world.createSale();
    await world.call('POST', `/admin/v1/sales/${saleId}/open`, { key: next.key });
    expect(await audited(saleId)).toMatchObject([
      { actor: 'anna', action: 'sale.create' },
      { actor: 'otto', action: 'sale.open' },
    ]);
  });

  it('of services open the shop-service API alone', async () => {
    const { key } = await create({ name: 'crm', role: 'service' });
    expect(key).toMatch(/^fluxsvc_[A-Za-z0-9_-]{43}$/);
    expect((await world.shop('GET', '/orders', { key })).status).toBe(200);
    expect(await statusOf(key)).toBe(403);
  });

  it('end by PostgreSQL’s clock, and are not made where they would be over', async () => {
    const { id, key } = await create({ name: 'temp', role: 'viewer', expiresAt: '2100-01-01T00:00:00Z' });
    expect(await statusOf(key)).toBe(200);
    await world.dataSource.query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [id]);
    await waitUntil('it is over', async () => (await statusOf(key)) === 401);
    const late = await world.call('POST', '/admin/v1/keys', {
      body: { name: 'late', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' },
    });
    expect(late.body).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/expiresAt' }] });
    expect((await list()).map(({ name }) => name)).not.toContain('late');
  });

  it('are nowhere but in the answer that made them', async () => {
    const { id, key } = await create({ name: 'nina', role: 'owner' });
    const digest = hash('sha256', key, 'hex');
    const [row]: { readonly digest: string }[] = await world.dataSource.query(
      'SELECT * FROM api_keys WHERE id = $1',
      [id],
    );
    expect(row?.digest).toBe(digest);
    expect(JSON.stringify(row)).not.toContain(key);
    const listed = await list();
    expect(listed.map(({ name }) => name)).toContain('nina');
    const log = await world.call('GET', '/admin/v1/audit-log?limit=100');
    for (const text of [JSON.stringify(listed), JSON.stringify(log.body)]) {
      expect(text).not.toContain(key);
      expect(text).not.toContain(digest);
    }
  });

  it('stand beside those of the environment, which are listed and never revoked', async () => {
    const environment = (await list()).filter(({ source }) => source === 'environment');
    expect(environment.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'anna owner',
      'ben owner',
      'shop service',
      'erp service',
    ]);
    for (const { id } of environment) {
      const answer = await revoke(id);
      expect(statusAndCode(answer)).toEqual([403, 'forbidden']);
      expect(JSON.stringify(answer.body)).toContain('FLUX_OPERATOR_KEYS');
    }
    expect(await statusOf(OPERATOR.key)).toBe(200);
    expect(statusAndCode(await revoke(`key_${'x'.repeat(16)}`))).toEqual([404, 'unknown-key']);
    expect(statusAndCode(await revoke('environment-99'))).toEqual([404, 'unknown-key']);
  });

  it.each([
    [{ name: 'system', role: 'viewer' }, '/name'],
    [{ name: 'a b', role: 'viewer' }, '/name'],
    [{ name: 'ann', role: 'admin' }, '/role'],
    [{ name: 'ann' }, '/role'],
    [{ name: 'ann', role: 'viewer', expiresAt: 'soon' }, '/expiresAt'],
    [{ name: 'ann', role: 'viewer', key: 'mine' }, ''],
  ])('are not made of %j', async (body, pointer) => {
    const answer = await world.call('POST', '/admin/v1/keys', { body });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
    expect(answer.body).toMatchObject({ errors: [{ pointer }] });
  });
});

describe('while PostgreSQL is away', () => {
  let world: AdminWorld;
  let proxy: TcpProxy;
  beforeAll(async () => {
    world = await AdminWorld.start();
    const { hostname, port } = new URL(world.database.config.DATABASE_URL);
    proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
  });
  afterAll(async () => {
    proxy.set('pass');
    await world.stop();
    await proxy.stop();
  });

  /** A process that reaches PostgreSQL through the proxy. */
  const behindProxy = async (): Promise<NestFastifyApplication> => {
    const url = new URL(world.database.config.DATABASE_URL);
    url.host = `127.0.0.1:${proxy.port}`;
    const config = adminSettings.parse({ ...world.env, DATABASE_URL: url.href });
    const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'admin');
    const app = await createAdmin(config, { log, metrics: new Metrics('admin'), health: new Health() });
    await app.listen(0, '127.0.0.1');
    return app;
  };
  /** Past the guard, the empty body is refused before PostgreSQL is asked. */
  const guarded = async (app: NestFastifyApplication, key: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${await app.getUrl()}/admin/v1/keys`, {
      method: 'POST',
      headers,
      body: '{}',
    });
    return answer.status;
  };

  it('keys that are known stay good, and a process that has read none says 503 of all but the environment’s', async () => {
    const created = await world.call('POST', '/admin/v1/keys', { body: { name: 'olga', role: 'owner' } });
    const { key } = created.body as CreatedKey;
    const app = await behindProxy();
    try {
      expect(await guarded(app, key)).toBe(503);
      expect(await guarded(app, OPERATOR.key)).toBe(400);
      await app.get(LedgerConnection).ready(() => undefined);
      expect(await guarded(app, key)).toBe(400);
      proxy.set('cut');
      expect(await guarded(app, key)).toBe(400);
      expect(await guarded(app, 'unknown')).toBe(401);
    } finally {
      proxy.set('pass');
      await app.close();
    }
  });
});
