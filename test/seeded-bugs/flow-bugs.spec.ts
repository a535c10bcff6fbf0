import { check } from './check-bug';
import { FLOW_BUGS } from './flow-bugs';
import { SaleServers } from './sale-servers';

/** Bugs between the outbox and the ledger. Each is caught, and without it the same scenario is sound. */

jest.mock('../../libs/ledger/src/advance-watermark', () => {
  const real = jest.requireActual<typeof import('../../libs/ledger/src/advance-watermark')>(
    '../../libs/ledger/src/advance-watermark',
  );
  const { functions } = jest.requireActual<typeof import('./patches')>('./patches');
  const advanceWatermark: typeof real.advanceWatermark = (...applied) =>
    (functions.advanceWatermark ?? real.advanceWatermark)(...applied);
  return { ...real, advanceWatermark };
});
jest.mock('../../libs/ledger/src/ledger-row', () => {
  const real = jest.requireActual<typeof import('../../libs/ledger/src/ledger-row')>(
    '../../libs/ledger/src/ledger-row',
  );
  const { functions } = jest.requireActual<typeof import('./patches')>('./patches');
  const freeUnits: typeof real.freeUnits = (row) => (functions.freeUnits ?? real.freeUnits)(row);
  return { ...real, freeUnits };
});
jest.mock('../../libs/ledger/src/ledger-rows', () => {
  const real = jest.requireActual<typeof import('../../libs/ledger/src/ledger-rows')>(
    '../../libs/ledger/src/ledger-rows',
  );
  const { functions } = jest.requireActual<typeof import('./patches')>('./patches');
  const lockLedger: typeof real.lockLedger = (...asked) =>
    (functions.lockLedger?.(real.lockLedger) ?? real.lockLedger)(...asked);
  return { ...real, lockLedger };
});

let servers: SaleServers;
beforeAll(async () => {
  servers = await SaleServers.start();
});
afterAll(() => servers.stop());

it.each(FLOW_BUGS)('$bug', async (bug) => {
  expect(await check(servers, bug, false)).toEqual({ verdict: 'proved', refuted: [], offenders: [] });
  const { verdict, refuted } = await check(servers, bug, true);
  expect(refuted).toEqual(bug.lines);
  expect(verdict).not.toBe('proved');
});
