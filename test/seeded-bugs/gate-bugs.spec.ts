import { check } from './check-bug';
import { GATE_BUGS } from './gate-bugs';
import { SaleServers } from './sale-servers';

/** Bugs of the gate's scripts and of who calls them. Each is caught, and without it the same scenario is sound. */

let servers: SaleServers;
beforeAll(async () => {
  servers = await SaleServers.start();
});
afterAll(() => servers.stop());

it.each(GATE_BUGS)('$bug', async (bug) => {
  expect(await check(servers, bug, false)).toEqual({ verdict: 'proved', refuted: [], offenders: [] });
  const { verdict, refuted } = await check(servers, bug, true);
  expect(refuted).toEqual(bug.lines);
  expect(verdict).not.toBe('proved');
});
