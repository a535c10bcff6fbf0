import { loadConfig } from '@flux/config';
import { createKafka, kafkaSettings } from '@flux/kafka';
import { createDataSource, databaseSettings, missingMigrations } from '@flux/ledger';
import { z } from 'zod';
import { recordAudit } from './audit-log/audit-log.repository';
import { type CommandContext, optionsOf, runCommand, type WrongArguments } from './command';
import { replay, type ReplayReport } from './replay/replay';

const USAGE = `usage: npm run replay -- [--dry-run]
  --dry-run  only says what would come back
Brings a database that was restored from a backup, or is empty and migrated, forward from Kafka: the ledger's events
beyond each item's version, then the accepted orders that it lacks. Into the live database it changes nothing.
Replay before orders and admin processes write to a restored database. A repeat goes on where it stopped.
Exit status: 0 all came back, 1 something did not (the lines say what to do), 2 could not run.`;

const SOMETHING_LEFT = 1;

/** Who is in the audit log: nobody has a key at a terminal. */
const ACTOR = 'npm run replay';

const replaySettings = z.object({ ...kafkaSettings.shape, ...databaseSettings.shape });

/** `npm run replay`: says what came back, and what did not. @returns the exit status */
export async function runReplayCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const failed = { saying: 'Not everything was replayed, run it again' };
  return runCommand({ usage: USAGE, parse, run, failed }, args, context);
}

interface Command {
  readonly dryRun: boolean;
}

function parse(args: readonly string[]): Command | WrongArguments {
  const parsed = optionsOf(args, { 'dry-run': { type: 'boolean', default: false } });
  return 'wrong' in parsed ? parsed : { dryRun: parsed['dry-run'] };
}

async function run({ dryRun }: Command, { env, print }: CommandContext): Promise<number> {
  const startedAt = performance.now();
  const report = await replayWith(env, dryRun, print);
  for (const line of linesOf(report, dryRun)) print(line);
  print(`done in ${seconds(performance.now() - startedAt)}`);
  return leftOf(report).length > 0 ? SOMETHING_LEFT : 0;
}

async function replayWith(
  env: CommandContext['env'],
  dryRun: boolean,
  print: CommandContext['print'],
): Promise<ReplayReport> {
  const config = loadConfig(replaySettings, env);
  const dataSource = createDataSource({ config, applicationName: 'flux-replay' });
  await dataSource.initialize();
  try {
    const missing = await missingMigrations(dataSource);
    if (missing.length > 0) throw new Error(`the schema lacks ${missing.join(', ')}: npm run migrate`);
    const report = await replay({
      kafka: createKafka({ settings: config, clientId: 'flux-replay' }),
      settings: config,
      dataSource,
      dryRun,
      progress: ({ topic, read, of }) => {
        print(`reading    ${topic}: ${read} of ${of} messages`);
      },
    });
    const { ledger, accepted } = report;
    const changed = ledger.applied + accepted.confirmed + accepted.rejected + accepted.cancelled;
    if (!dryRun && changed > 0) {
      const after = { transactions: ledger.applied, confirmed: accepted.confirmed };
      const record = { actor: ACTOR, action: 'database.replay', subject: 'database', before: null, after };
      await recordAudit(dataSource.manager, record);
    }
    return report;
  } finally {
    await dataSource.destroy();
  }
}

function* linesOf(report: ReplayReport, dryRun: boolean): Generator<string> {
  const { ledger, accepted } = report;
  const back = dryRun ? 'would come back' : 'came back';
  yield `ledger     ${ledger.messages} messages in ${seconds(ledger.ms)}: ${ledger.applied} transactions ${back}, ${ledger.known} were there`;
  const orders = `${accepted.confirmed} orders${dryRun ? '' : ' confirmed'}, ${accepted.rejected} rejected, ${accepted.cancelled} cancelled`;
  yield `accepted   ${accepted.messages} messages in ${seconds(accepted.ms)}: ${orders}`;
  if (accepted.parked > 0) {
    yield `parked     ${accepted.parked} messages wait for a person, or have been resolved; ${accepted.broughtBack} were written anew`;
  }
  if (accepted.cut.length > 0) {
    yield `note       Kafka has deleted the oldest accepted orders of partitions ${accepted.cut.join(', ')}: of those only the ledger's events tell`;
  }
  yield* leftOf(report).map((line) => `left       ${line}`);
}

/** What did not come back. */
function leftOf({ ledger, accepted, unbalanced }: ReplayReport): readonly string[] {
  const unreadable = ledger.unreadable > 0 ? [`${ledger.unreadable} ledger events cannot be read`] : [];
  return [
    ...ledger.stopped.map(({ saleId, productId, reason }) => `${saleId}.${productId}: ${reason}`),
    ...unreadable,
    ...[...accepted.refused].map(
      ([reason, messages]) => `${messages} messages of accepted orders: ${reason}`,
    ),
    ...unbalanced.map(
      (name) => `${name}: its counters are not the sum of its orders; restore a younger backup`,
    ),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
