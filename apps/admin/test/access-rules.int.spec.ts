import { ACCESS_KEY, AccessListStore } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import type { AccessRuleAnswer } from '../src/access/access-rule-docs';
import { AccessPublisher } from '../src/access/access-publisher';
import { AdminWorld, codeOf, statusAndCode, type Answer } from './admin.world';

jest.setTimeout(60_000);

describe('rules of access', () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start();
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.dataSource.query('DELETE FROM access_rules');
    await world.app.get(AccessPublisher).publish();
  });

  const put = (rule: Readonly<Record<string, unknown>>): Promise<Answer> =>
    world.call('POST', '/admin/v1/access-rules', { body: { list: 'deny', reason: 'A bot farm', ...rule } });
  const putNetwork = (value: string, more = {}) => put({ kind: 'cidr', value, ...more });
  const ruleOf = ({ body }: Answer) => body as AccessRuleAnswer;
  const remove = (id: string) => world.call('DELETE', `/admin/v1/access-rules/${id}`);
  const published = async (): Promise<unknown> => (await world.app.get(AccessListStore).read())?.rules;
  const audited = (id: string): Promise<Record<string, unknown>[]> =>
    world.dataSource.query(
      "SELECT actor, action, before, after FROM audit_log WHERE subject = $1 AND action LIKE 'access-rule.%'",
      [id],
    );

  it('are written in one spelling, published at once, audited and removed', async () => {
    const created = await putNetwork('::ffff:203.0.113.77/120');
    expect(created.status).toBe(201);
    const { id, ...rule } = ruleOf(created);
    expect(rule).toMatchObject({ list: 'deny', kind: 'cidr', value: '203.0.113.0/24', createdBy: 'anna' });
    expect(await published()).toEqual([{ list: 'deny', kind: 'cidr', value: '203.0.113.0/24' }]);

    expect((await remove(id)).status).toBe(204);
    expect(await published()).toEqual([]);
    expect(statusAndCode(await remove(id))).toEqual([404, 'unknown-rule']);
    const record = {
      list: 'deny',
      kind: 'cidr',
      value: '203.0.113.0/24',
      reason: 'A bot farm',
      expiresAt: null,
    };
    expect(await audited(id)).toEqual([
      { actor: 'anna', action: 'access-rule.create', before: null, after: record },
      { actor: 'anna', action: 'access-rule.remove', before: record, after: { removed: true } },
    ]);
  });

  it('are the same rule when they are sent again, in any spelling; only reason and end can change', async () => {
    const first = ruleOf(await putNetwork('2001:db8:1:2ff::/56'));
    const again = await putNetwork('2001:DB8:1:200:0::/56');
    expect([again.status, again.body]).toEqual([200, first]);
    const longer = await putNetwork('2001:db8:1:200::/56', { reason: 'It came back' });
    expect([longer.status, ruleOf(longer)]).toEqual([200, { ...first, reason: 'It came back' }]);
    expect((await audited(first.id)).map(({ action }) => action)).toEqual([
      'access-rule.create',
      'access-rule.change',
    ]);
    const allowed = await putNetwork('2001:db8:1:200::/56', { list: 'allow' });
    expect(allowed.status).toBe(201);
  });

  it('are one rule where several owners write it at once', async () => {
    const atOnce = (send: () => Promise<Answer>) => Promise.all(Array.from({ length: 8 }, send));
    // So that the process has its connections to PostgreSQL.
    await atOnce(() => world.call('GET', '/admin/v1/access-rules'));
    for (const value of ['198.51.100.7', '198.51.100.8', '198.51.100.9']) {
      const statuses = (await atOnce(() => putNetwork(value))).map(({ status }) => status);
      expect(statuses.sort()).toEqual([...Array<number>(7).fill(200), 201]);
    }
  });

  it('end by PostgreSQL’s clock, and are let in anew after that', async () => {
    const rule = { kind: 'shopper', value: 'mallory', expiresAt: '2100-01-01T00:00:00+02:00' };
    const { id, expiresAt } = ruleOf(await put(rule));
    expect(expiresAt).toBe('2099-12-31T22:00:00.000Z');
    await world.dataSource.query('UPDATE access_rules SET expires_at = now() WHERE id = $1', [id]);
    await world.app.get(AccessPublisher).publish();
    expect(await published()).toEqual([]);
    expect((await audited(id)).at(-1)).toMatchObject({
      actor: 'system',
      action: 'access-rule.expire',
      before: { value: 'mallory' },
    });
    const anew = await put(rule);
    expect([anew.status, ruleOf(anew).id === id]).toEqual([201, false]);
    const late = await put({ kind: 'shopper', value: 'eve', expiresAt: '2020-01-01T00:00:00Z' });
    expect(late.body).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/expiresAt' }] });
  });

  it('are published again where Redis has lost them or has others', async () => {
    await putNetwork('203.0.113.0/24');
    const wanted = await published();
    await world.redis.client.del(ACCESS_KEY);
    await world.app.get(AccessPublisher).publish();
    expect(await published()).toEqual(wanted);
    await world.app.get(AccessListStore).write({ version: 'old', rules: [] });
    await world.app.get(AccessPublisher).publish();
    expect(await published()).toEqual(wanted);
  });

  it('are listed by cursor, newest first', async () => {
    for (const value of ['a', 'b', 'c']) await put({ kind: 'shopper', value });
    const page = await world.call('GET', '/admin/v1/access-rules?limit=2');
    const { rules, next } = page.body as { readonly rules: AccessRuleAnswer[]; readonly next: string };
    expect(rules.map(({ value }) => value)).toEqual(['c', 'b']);
    const rest = await world.call('GET', `/admin/v1/access-rules?limit=2&after=${next}`);
    expect(rest.body).toMatchObject({ rules: [{ value: 'a' }], next: null });
  });

  it.each([
    [{ kind: 'cidr', value: '0.0.0.0/0' }, '/value'],
    [{ kind: 'cidr', value: '::/0' }, '/value'],
    [{ kind: 'cidr', value: 'mallory' }, '/value'],
    [{ kind: 'shopper', value: 'a b' }, '/value'],
    [{ kind: 'asn', value: '64500' }, '/kind'],
    [{ kind: 'shopper', value: 'mallory', list: 'watch' }, '/list'],
    [{ kind: 'shopper', value: 'mallory', reason: ' ' }, '/reason'],
    [{ kind: 'shopper', value: 'mallory', expiresAt: 'soon' }, '/expiresAt'],
    [{ kind: 'shopper', value: 'mallory', surprise: 1 }, ''],
  ])('are not made of %j', async (rule, pointer) => {
    const answer = await put(rule);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
    expect(answer.body).toMatchObject({ errors: [{ pointer }] });
    expect(await published()).toEqual([]);
  });
});

describe('rules of access while Redis is away', () => {
  it('are stored and answered 503, and gateways follow once it is back', async () => {
    const world = await AdminWorld.start();
    try {
      await world.redis.stop();
      const rule = { list: 'deny', kind: 'shopper', value: 'mallory', reason: 'Resells' };
      const answer = await world.call('POST', '/admin/v1/access-rules', { body: rule });
      expect(statusAndCode(answer)).toEqual([503, 'temporarily-unavailable']);
      await world.redis.restart();
      await waitUntil('it is published', async () => {
        await world.app
          .get(AccessPublisher)
          .publish()
          .catch(() => undefined);
        const lists = await world.app
          .get(AccessListStore)
          .read()
          .catch(() => undefined);
        return lists?.rules.length === 1;
      });
      const again = await world.call('POST', '/admin/v1/access-rules', { body: rule });
      expect(again.status).toBe(200);
    } finally {
      await world.stop();
    }
  });
});
