import { AuditServers, AuditWorld, ENDED, freePort, type AuditWorldOptions } from '@flux/testing';
import { runForgetCommand } from './forget-command';

jest.setTimeout(60_000);

let servers: AuditServers;

beforeAll(async () => {
  servers = await AuditServers.start();
});
afterAll(() => servers.stop());

async function newWorld(options: AuditWorldOptions = {}): Promise<AuditWorld> {
  const world = new AuditWorld(servers, options);
  await world.build();
  return world;
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const complained: string[] = [];
  const status = await runForgetCommand(args, {
    env: { ...servers.env, ...env },
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { status, printed, complained: complained.join('\n') };
}

test('says what it forgot in which sale, and what is left to do', async () => {
  const [ended, running] = [await newWorld({ plans: ENDED, state: 'closed' }), await newWorld()];
  const first = await run(['--shopper', 'eve']);
  expect(new Set(first.printed)).toEqual(
    new Set([
      `forgotten  sale ${ended.saleId}: 1 orders`,
      `left       sale ${running.saleId}: the sale is open: forget after its end`,
      'forgotten  1 messages that had been parked',
      expect.stringMatching(/^left {7}parked message \d+ may name the shopper: retry or discard it/),
    ]),
  );
  expect(first).toMatchObject({ status: 1, complained: '' });
  const log: unknown = await servers.database.query('SELECT actor, action, subject, after FROM audit_log');
  expect(log).toEqual([
    {
      actor: 'npm run forget',
      action: 'sale.forget',
      subject: ended.saleId,
      after: { shoppers: 1, orders: 1 },
    },
  ]);

  await servers.sql("UPDATE parked_messages SET state = 'discarded'");
  await servers.sql("UPDATE orders SET shopper_id = 'another' WHERE sale_id = $1", running.saleId);
  const second = await run(['--shopper', 'eve']);
  expect(second).toEqual({
    status: 0,
    printed: ['forgotten  1 messages that had been parked'],
    complained: '',
  });
  expect(await run(['--shopper', 'eve'])).toMatchObject({
    status: 0,
    printed: ['nothing of this shopper was found'],
  });
});

test.each([
  { args: [], reason: '--shopper is missing' },
  { args: ['--shopper', 'eve', '--all'], reason: "Unknown option '--all'" },
  { args: ['--shopper', 'not a shopper'], reason: '--shopper is not the id of a shopper' },
  { args: ['--shopper', `forgotten-${'a'.repeat(22)}`], reason: '--shopper was forgotten before' },
])('a wrong command exits with 2 and says how it is used: $reason', async ({ args, reason }) => {
  const { status, complained } = await run(args);
  expect(status).toBe(2);
  expect(complained).toContain(reason);
  expect(complained).toContain('usage: npm run forget');
});

test('a server that is not there exits with 2', async () => {
  const DATABASE_URL = `postgres://flux:flux@127.0.0.1:${await freePort()}/flux`;
  const { status, complained } = await run(['--shopper', 'eve'], { DATABASE_URL });
  expect(status).toBe(2);
  expect(complained).toMatch(/^Not everything was forgotten, run it again: .*ECONNREFUSED/);
});
