import fc from 'fast-check';
import { command, terms } from './arbitraries';
import { Deliver, relay, Sweep } from './commands/deliver';
import { Tell } from './commands/expire';
import { CompletePayments } from './commands/pay';
import { compare } from './compare';
import { PlainLedger } from './plain-ledger';
import { RealSale } from './real-sale';
import { RealServers } from './real-servers';
import { ReplayedDatabase } from './replayed';

/** A failure names its seed: put it into the environment to see it again. */
const SEED = Number(process.env['FLUX_MODEL_SEED'] ?? Date.now() % 2 ** 31);
/** So many meet every life; `npm run test:full` makes them. */
const ENOUGH_RUNS = 100;
const RUNS = Number(process.env['FLUX_MODEL_RUNS'] ?? 40);
const MOST_COMMANDS = 60;
/** A replay takes as long as a run. */
const REPLAY_EVERY = Number(process.env['FLUX_MODEL_REPLAY_EVERY'] ?? 4);
/** Looking for a smaller example ends then. */
const SEARCH_MS = 420_000;

jest.setTimeout(SEARCH_MS + 60_000);

let servers: RealServers;
let replayed: ReplayedDatabase;
let runs = 0;
beforeAll(async () => {
  [servers, replayed] = await Promise.all([RealServers.start(), ReplayedDatabase.start()]);
});
afterAll(async () => {
  await servers.stop();
  await replayed.stop();
});

/** All that is under way comes to its end. */
async function rest(model: PlainLedger, real: RealSale): Promise<void> {
  while (real.consumed < real.log.length || model.watermark < model.sequence) {
    await new Sweep().run(model, real);
    await new Deliver(100, 'settled').run(model, real);
  }
  await new Sweep().run(model, real);
  await new Tell(10).run(model, real);
  await new CompletePayments().run(model, real);
}

/** At rest the gate knows everything, and everything was published once and in its order. */
async function compareAtRest(model: PlainLedger, real: RealSale): Promise<void> {
  await relay(model, real);
  for (const order of model.orders) order.heard = order.life.length - 1;
  await compare(model, real);
  expect(await real.gate()).toMatchObject({ outboxLength: 0, watermark: model.sequence });
  await servers.publish();
  const published = servers.published.filter(({ saleId }) => saleId === real.item.saleId);
  for (const { orderId, life } of model.orders) {
    const statuses = published.filter((event) => event.orderId === orderId).map(({ status }) => status);
    expect([orderId, ...statuses]).toEqual([orderId, ...life.slice(1)]);
  }
  runs += 1;
  if (runs % REPLAY_EVERY === 0) await replayed.expectEqual(real, servers.ledgerEvents);
}

it('lives as the plain model says, whatever happens in whatever order', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      terms,
      fc.commands([command], { maxCommands: MOST_COMMANDS, size: 'max' }),
      async (sale, commands) => {
        const model = new PlainLedger(sale);
        const real = await RealSale.open(servers, sale);
        await fc.asyncModelRun(() => ({ model, real }), commands);
        await rest(model, real);
        await compareAtRest(model, real);
        for (const order of model.orders) {
          const life = order.life.join(' → ');
          seen.set(life, (seen.get(life) ?? 0) + 1);
        }
      },
    ),
    {
      numRuns: RUNS,
      seed: SEED,
      interruptAfterTimeLimit: SEARCH_MS,
      markInterruptAsFailure: true,
    },
  );
  // A test that never gets there proves nothing.
  if (RUNS >= ENOUGH_RUNS) expect([...seen.keys()].sort()).toEqual(EVERY_LIFE);
});

const EVERY_LIFE = [
  'accepted → confirmed',
  'accepted → confirmed → cancelled',
  'accepted → confirmed → cancelled → paid',
  'accepted → confirmed → expired',
  'accepted → confirmed → expired → paid',
  'accepted → confirmed → paid',
  'accepted → rejected',
];
