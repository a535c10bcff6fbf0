import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { faultsOf } from './faults';
import { clusterFaults } from './faults/cluster-faults';
import type { Breakage } from './faults/fault';
import { formatReport, type RunReport } from './report';
import { abandonRuns, runSeed } from './run';
import { ClusterServers } from './world/cluster-servers';
import { ClusterWorld } from './world/cluster-world';
import { PrivateServers } from './world/private-servers';
import { DURABILITIES, type Durability } from './world/redis-servers';
import { World } from './world/world';

/** `npm run chaos`: seed after seed until the time is over, or until one finds a violation. */
const argumentsSchema = z.object({
  minutes: z.coerce.number().positive().default(60),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  'load-seconds': z.coerce.number().min(5).default(30),
  topology: z.enum(['single', 'cluster']).default('single'),
  durability: z.enum(DURABILITIES).optional(),
  faults: z.string().default(''),
  json: z.boolean().default(false),
});

const USAGE =
  'usage: npm run chaos -- [--minutes 60] [--seed N] [--topology single|cluster] [--durability strict|replicated|fast] [--load-seconds 30] [--faults WORDS] [--json]';

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) {
    say(USAGE);
    return 2;
  }
  const place = await placeOf(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void abandonRuns()
        .then(() => place.remove())
        .finally(() => process.exit(130));
    });
  }
  try {
    const until = Date.now() + options.minutes * 60_000;
    let runs = 0;
    do {
      const report = await place.run(options.seed ?? randomInt(2 ** 32));
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
    await place.remove();
  }
}

type Options = z.output<typeof argumentsSchema> & { readonly durability: Durability };

/** Servers on which one seed runs after the other. */
interface Place {
  run(seed: number): Promise<RunReport>;
  remove(): Promise<void>;
}

async function placeOf(options: Options): Promise<Place> {
  const { topology, durability } = options;
  const shared = { topology, durability, loadMs: options['load-seconds'] * 1_000 };
  if (topology === 'cluster') {
    const servers = await ClusterServers.start();
    const faults = chosen(clusterFaults, options);
    const start = (): Promise<ClusterWorld> => ClusterWorld.start(servers);
    return {
      run: (seed) => runSeed({ ...shared, seed, faults, start }),
      remove: () => servers.remove(),
    };
  }
  const servers = await PrivateServers.start();
  const faults = chosen(faultsOf(durability), options);
  const start = (): Promise<World> => World.start(servers, durability);
  return {
    run: (seed) => runSeed({ ...shared, seed, faults, start }),
    remove: () => servers.remove(),
  };
}

/** Those with the words in number or name. */
function chosen<Each extends Breakage>(
  all: readonly Each[],
  { faults }: Pick<Options, 'faults'>,
): readonly Each[] {
  return all.filter(({ id, name }) => `${id} ${name}`.includes(faults));
}

/** @returns undefined where they cannot be obeyed */
function readArguments(): Options | undefined {
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
    const parsed = argumentsSchema.parse(values);
    const { topology, durability = topology === 'cluster' ? 'replicated' : 'strict' } = parsed;
    // Without it a failover loses what the replica had not received.
    if (topology === 'cluster' && durability !== 'replicated') return undefined;
    const all: readonly Breakage[] = topology === 'cluster' ? clusterFaults : faultsOf(durability);
    return chosen(all, parsed).length === 0 ? undefined : { ...parsed, durability };
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
