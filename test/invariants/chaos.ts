import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { faultsOf } from './faults';
import type { Fault } from './faults/fault';
import { formatReport } from './report';
import { abandonRuns, runSeed } from './run';
import { PrivateServers } from './world/private-servers';
import { DURABILITIES } from './world/redis-servers';

/** `npm run chaos`: seed after seed until the time is over, or until one finds a violation. */
const argumentsSchema = z.object({
  minutes: z.coerce.number().positive().default(60),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  'load-seconds': z.coerce.number().min(5).default(30),
  topology: z.literal('single').default('single'),
  durability: z.enum(DURABILITIES).default('strict'),
  faults: z.string().default(''),
  json: z.boolean().default(false),
});

const USAGE =
  'usage: npm run chaos -- [--minutes 60] [--seed N] [--durability strict|replicated|fast] [--topology single] [--load-seconds 30] [--faults WORDS] [--json]';

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) {
    say(USAGE);
    return 2;
  }
  const servers = await PrivateServers.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void abandonRuns()
        .then(() => servers.remove())
        .finally(() => process.exit(130));
    });
  }
  try {
    const until = Date.now() + options.minutes * 60_000;
    let runs = 0;
    do {
      const report = await runSeed({
        seed: options.seed ?? randomInt(2 ** 32),
        loadMs: options['load-seconds'] * 1_000,
        faults: chosenFaults(options),
        durability: options.durability,
        servers,
      });
      say(options.json ? JSON.stringify(report) : `${formatReport(report)}\n`);
      runs += 1;
      if (!report.holds) {
        say(`seed ${report.seed} found a violation, run ${runs}`);
        return 1;
      }
    } while (options.seed === undefined && Date.now() < until);
    say(`${runs} ${runs === 1 ? 'seed' : 'seeds'}, every invariant holds`);
    return 0;
  } finally {
    await servers.remove();
  }
}

function chosenFaults({ faults, durability }: z.output<typeof argumentsSchema>): readonly Fault[] {
  if (faults === '') return faultsOf(durability);
  return faultsOf(durability).filter(({ id, name }) =>
    `${id} ${name}`.includes(faults),
  );
}

function readArguments(): z.output<typeof argumentsSchema> | undefined {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      options: {
        ...{
          minutes: text,
          seed: text,
          topology: text,
          durability: text,
          faults: text,
          'load-seconds': text,
        },
        json: { type: 'boolean' },
      },
    });
    return argumentsSchema.parse(values);
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(2);
  },
);
