import { audit, newWorld, offendersOf, refuted } from './audit-runs';
import { AuditServers } from '@flux/testing';
import { CLIENT_FAULTS } from './client-faults';
import { LEDGER_LOG_FAULTS } from './ledger-log-faults';
import { LIFE_FAULTS } from './life-faults';
import { MONEY_FAULTS } from './money-faults';
import { SERVER_FAULTS } from './server-faults';
import { STATUS_FAULTS } from './status-faults';

const SEEDED_FAULTS = [
  ...SERVER_FAULTS,
  ...LIFE_FAULTS,
  ...MONEY_FAULTS,
  ...STATUS_FAULTS,
  ...LEDGER_LOG_FAULTS,
  ...CLIENT_FAULTS,
];

jest.setTimeout(60_000);

let servers: AuditServers;

beforeAll(async () => {
  servers = await AuditServers.start();
});

afterAll(async () => {
  await servers.stop();
});

test.each(SEEDED_FAULTS)('$fault refutes $line', async ({ line, consequences = [], publish, seed }) => {
  const world = await newWorld(servers, publish === undefined ? {} : { publish });
  const { offender, history } = await seed(world);
  const report = await audit(world, history === undefined ? {} : { history });
  expect(new Set(refuted(report))).toEqual(new Set([line, ...consequences]));
  expect(offendersOf(report, line).some((text) => text.startsWith(offender))).toBe(true);
  expect(report.verdict).toBe([line, ...consequences].includes('at-rest') ? 'not-at-rest' : 'refuted');
});

test('every line has a seeded fault', async () => {
  const report = await audit(await newWorld(servers));
  const seeded = new Set(SEEDED_FAULTS.map(({ line }) => line));
  expect(report.lines.map(({ name }) => name).filter((name) => !seeded.has(name))).toEqual([]);
});
