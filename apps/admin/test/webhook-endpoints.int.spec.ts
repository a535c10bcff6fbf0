import { AdminWorld, type Answer, SERVICE, codeOf } from './admin.world';

jest.setTimeout(60_000);

const URL_ALLOWED = 'http://127.0.0.1:9999/hook';
const UNKNOWN_ID = 'wh_0123456789abcdef';

interface Created {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

describe("the shop's webhook endpoints", () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start({ settings: { FLUX_WEBHOOK_ALLOW: '127.0.0.1:9999' } });
  });
  afterAll(() => world.stop());

  const register = (url: unknown): Promise<Answer> =>
    world.call('POST', '/admin/v1/webhooks', { body: { url } });
  const create = async (): Promise<Created> => (await register(URL_ALLOWED)).body as Created;
  const list = async () =>
    ((await world.call('GET', '/admin/v1/webhooks')).body as { webhooks: readonly { id: string }[] })
      .webhooks;

  it('are registered with a secret that is shown once, listed and removed', async () => {
    const answer = await register(URL_ALLOWED);
    expect(answer.status).toBe(201);
    const { id, secret } = answer.body as Created;
    expect(answer.body).toMatchObject({
      url: URL_ALLOWED,
      secret: expect.stringMatching(/^whsec_/) as unknown,
    });
    const listed = (await list()).find((webhook) => webhook.id === id);
    expect(listed).toEqual({ id, url: URL_ALLOWED, createdAt: expect.any(String) as unknown });
    expect((await world.call('DELETE', `/admin/v1/webhooks/${id}`)).status).toBe(204);
    expect((await list()).map((webhook) => webhook.id)).not.toContain(id);
    const again = await world.call('DELETE', `/admin/v1/webhooks/${id}`);
    expect([again.status, codeOf(again)]).toEqual([404, 'unknown-webhook']);
    const audit = JSON.stringify((await world.call('GET', '/admin/v1/audit-log?limit=2')).body);
    expect(audit).toContain('webhook.create');
    expect(audit).toContain('webhook.remove');
    expect(audit).not.toContain(secret);
  });

  it('get a new secret; the one before stays until the next rotation', async () => {
    const { id, secret } = await create();
    const secrets = [secret];
    for (let count = 0; count < 2; count += 1) {
      const answer = await world.call('POST', `/admin/v1/webhooks/${id}/secret`);
      expect(answer.status).toBe(200);
      secrets.unshift((answer.body as Created).secret);
    }
    expect(new Set(secrets).size).toBe(3);
    const [row]: { secrets: string[] }[] = await world.dataSource.query(
      'SELECT secrets FROM webhook_endpoints WHERE id = $1',
      [id],
    );
    expect(row?.secrets).toEqual(secrets.slice(0, 2));
    const audit = JSON.stringify((await world.call('GET', '/admin/v1/audit-log?limit=2')).body);
    expect(audit).toContain('webhook.rotate');
    for (const each of secrets) expect(audit).not.toContain(each);
  });

  it.each([
    'http://127.0.0.1/hook',
    'https://127.0.0.1/hook',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00:ec2::254]/',
    'https://localhost/',
    'https://localhost:9998/',
    'https://93.184.215.14:8443/',
    'http://93.184.215.14/',
    'https://user:secret@93.184.215.14/',
    'ftp://93.184.215.14/',
    'file:///etc/passwd',
    'no address',
    '',
    'https://no-such-name.invalid/',
    `https://93.184.215.14/${'x'.repeat(2_048)}`,
    7,
    null,
  ])('are not registered at %j', async (url) => {
    const before = await list();
    const answer = await register(url);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
    expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe('/url');
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(await list()).toEqual(before);
  });

  it('are registered at a public address, without a call to it', async () => {
    expect((await register('https://93.184.215.14/hook')).status).toBe(201);
  });

  it('are twenty at most, also when many register at once', async () => {
    const answers = await Promise.all(Array.from({ length: 21 }, () => register(URL_ALLOWED)));
    expect(await list()).toHaveLength(20);
    expect(answers.some(({ status }) => status === 400)).toBe(true);
    for (const { id } of await list()) await world.call('DELETE', `/admin/v1/webhooks/${id}`);
    expect(await list()).toEqual([]);
  });

  const PATHS = [
    ['POST', ''],
    ['GET', ''],
    ['DELETE', `/${UNKNOWN_ID}`],
    ['POST', `/${UNKNOWN_ID}/secret`],
    ['GET', `/${UNKNOWN_ID}/deliveries`],
    ['POST', `/${UNKNOWN_ID}/deliveries/7/retry`],
  ] as const;

  it.each(PATHS)('are for operators only: %s /admin/v1/webhooks%s', async (method, path) => {
    for (const [key, status, code] of [
      [null, 401, 'unauthenticated'],
      ['wrong', 401, 'unauthenticated'],
      [SERVICE.key, 403, 'forbidden'],
    ] as const) {
      const answer = await world.call(method, `/admin/v1/webhooks${path}`, { key });
      expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    }
  });

  it.each(PATHS.slice(2))('that are not there are unknown: %s /admin/v1/webhooks%s', async (method, path) => {
    const unknown = await world.call(method, `/admin/v1/webhooks${path}`);
    expect([unknown.status, codeOf(unknown)]).toEqual([404, 'unknown-webhook']);
    const wrong = await world.call(method, `/admin/v1/webhooks${path.replace('wh_', 'x')}`);
    expect([wrong.status, codeOf(wrong)]).toEqual([400, 'invalid-request']);
  });
});
