import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditServers, AuditWorld, freePort } from '@flux/testing';
import { runAuditCommand } from './audit-command';

jest.setTimeout(60_000);

let servers: AuditServers;
let folder: string;

beforeAll(async () => {
  servers = await AuditServers.start();
  folder = await mkdtemp(join(tmpdir(), 'flux-audit-'));
});

afterAll(async () => {
  await servers.stop();
  await rm(folder, { recursive: true });
});

async function newWorld(): Promise<AuditWorld> {
  const world = new AuditWorld(servers);
  await world.build();
  return world;
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const complained: string[] = [];
  const status = await runAuditCommand(args, {
    env: { ...servers.env, ...env },
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { status, printed: printed.join('\n'), complained: complained.join('\n') };
}

test('a proved sale exits with 0 and a line for each statement', async () => {
  const { saleId } = await newWorld();
  const { status, printed, complained } = await run(['--sale', saleId, '--wait-ms', '0']);
  expect(complained).toBe('');
  expect(status).toBe(0);
  expect(printed).toContain('Verdict: PROVED');
  expect(printed).toMatch(
    /holds +conservation .*\n +initial 20, available 12, unsettled 0, held 4, sold 2, parked 2/,
  );
  expect(printed).toMatch(
    /not checked +clients-asked .*\n +not checked: no history of the clients was given/,
  );
});

test('a refuted sale exits with 1 and names the offender', async () => {
  const world = await newWorld();
  const lost = world.answer({ ...world.order(1), orderId: `${world.order(1).orderId.slice(0, -1)}_` });
  const file = join(folder, `${world.saleId}.ndjson`);
  await writeFile(file, world.historyLines([...world.history, lost]).join('\n'));
  const args = ['--sale', world.saleId, '--history', file, '--wait-ms', '0'];

  const { status, printed } = await run(args);
  expect(status).toBe(1);
  expect(printed).toContain('Verdict: REFUTED');
  expect(printed).toMatch(
    new RegExp(`FAILS +clients-nothing-lost .*\\n +- ${lost.location?.slice(11) ?? ''}: `),
  );

  const report = JSON.parse((await run([...args, '--json'])).printed) as { verdict: string };
  expect(report.verdict).toBe('refuted');
});

test('a sale that is not at rest exits with 2', async () => {
  const { saleId } = await newWorld();
  await servers.commitOffsets(1);
  const { status, printed } = await run(['--sale', saleId, '--wait-ms', '0']);
  await servers.commitOffsets();
  expect(status).toBe(2);
  expect(printed).toContain('Verdict: NOT AT REST');
});

test.each([
  { args: [], reason: '--sale is missing' },
  { args: ['--sale', 'a', '--what'], reason: "Unknown option '--what'" },
  { args: ['--sale', 'a', '--wait-ms', 'soon'], reason: '--wait-ms is not a number of milliseconds' },
  { args: ['--sale', 'a', '--history', 'no-such-file'], reason: 'there is no file no-such-file' },
])('a wrong command exits with 2 and says how it is used: $reason', async ({ args, reason }) => {
  const { status, complained } = await run(args);
  expect(status).toBe(2);
  expect(complained).toContain(reason);
  expect(complained).toContain('usage: npm run audit');
});

test('an unknown sale exits with 2', async () => {
  const { status, complained } = await run(['--sale', 'no-such-sale']);
  expect({ status, complained }).toEqual({
    status: 2,
    complained: 'The audit could not run: there is no sale no-such-sale',
  });
});

test('a server that is not there exits with 2', async () => {
  const DATABASE_URL = `postgres://flux:flux@127.0.0.1:${await freePort()}/flux`;
  const { status, complained } = await run(['--sale', 'any'], { DATABASE_URL });
  expect(status).toBe(2);
  expect(complained).toMatch(/^The audit could not run: .*ECONNREFUSED/);
});
