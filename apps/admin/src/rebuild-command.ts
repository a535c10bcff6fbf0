import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '@flux/config';
import { type ItemRef, ProblemError, SALE_ID_PATTERN } from '@flux/contracts';
import { RedisConnection, redisSettings } from '@flux/gate';
import { createKafka, kafkaSettings } from '@flux/kafka';
import { createDataSource, databaseSettings, describeFailure, RebuildLedger } from '@flux/ledger';
import { createLog } from '@flux/telemetry';
import { z } from 'zod';
import {
  type CommandContext,
  connectedSoon,
  COULD_NOT_RUN,
  optionsOf,
  runCommand,
  type WrongArguments,
} from './command';
import { rebuildParts, type RebuildParts } from './rebuild/rebuild-parts';
import type { RebuildProgress } from './rebuild/rebuild-track';
import type { RebuildOutcome } from './rebuild/rebuilder.service';

const USAGE = `usage: npm run rebuild -- --product ID [--sale ID] [--wait-ms N] [--accept-loss]
  --product ID  the product whose gate is closed, and written anew from the database
  --sale ID     the sale; may be left out where only one sale of the product has a gate
  --wait-ms N   how long to try until the gate is open again (600000)
  --accept-loss also a gate that knows more than the database, after a replay that brought nothing back: what only the gate
                knows is lost
Exit status: 0 rebuilt, 1 not rebuilt (the lines say why), 2 could not run.`;

const NOT_REBUILT = 1;
const TRY_AGAIN_MS = 500;

/** Who is in the audit log: nobody has a key at a terminal. */
const ACTOR = 'npm run rebuild';

const rebuildSettings = z.object({
  ...redisSettings.shape,
  ...kafkaSettings.shape,
  ...databaseSettings.shape,
});

/** `npm run rebuild`: rebuilds an item's gate and prints how far it is. @returns the exit status */
export async function runRebuildCommand(args: readonly string[], context: CommandContext): Promise<number> {
  return runCommand({ usage: USAGE, parse, run, failed: FAILED }, args, context);
}

const FAILED = {
  saying: 'The rebuild could not run',
  status: (error: unknown) => (error instanceof ProblemError ? NOT_REBUILT : COULD_NOT_RUN),
};

interface Command {
  readonly productId: string;
  readonly saleId: string | undefined;
  readonly waitMs: number;
  readonly acceptLoss: boolean;
}

function parse(args: readonly string[]): Command | WrongArguments {
  const parsed = optionsOf(args, {
    product: { type: 'string' },
    sale: { type: 'string' },
    'wait-ms': { type: 'string', default: '600000' },
    'accept-loss': { type: 'boolean', default: false },
  });
  if ('wrong' in parsed) return parsed;
  const { product: productId, sale: saleId, 'wait-ms': waitMs, 'accept-loss': acceptLoss } = parsed;
  if (productId === undefined) return { wrong: '--product is missing' };
  if (!SALE_ID_PATTERN.test(productId)) return { wrong: '--product is not the id of a product' };
  if (saleId !== undefined && !SALE_ID_PATTERN.test(saleId))
    return { wrong: '--sale is not the id of a sale' };
  if (!/^\d{1,9}$/.test(waitMs)) return { wrong: '--wait-ms is not a number of milliseconds' };
  return { productId, saleId, waitMs: Number(waitMs), acceptLoss };
}

async function run(command: Command, context: CommandContext): Promise<number> {
  const config = loadConfig(rebuildSettings, context.env);
  const redis = new RedisConnection(config);
  const database = createDataSource({ config, applicationName: 'flux-rebuild' });
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'rebuild');
  const kafka = createKafka({ settings: config, clientId: 'flux-rebuild', log: () => undefined });
  const parts = rebuildParts({ database, redis, kafka, settings: config, log });
  try {
    await Promise.all([connectedSoon(redis), database.initialize()]);
    const item = await itemOf(command, new RebuildLedger(database), context);
    return item === undefined ? NOT_REBUILT : await rebuild(item, { parts, command, context });
  } finally {
    await parts.end();
    redis.close();
    if (database.isInitialized) await database.destroy();
  }
}

/** The item that is meant; undefined where that is not clear, and the lines say so. */
async function itemOf(
  { productId, saleId }: Command,
  ledger: RebuildLedger,
  { complain }: CommandContext,
): Promise<ItemRef | undefined> {
  if (saleId !== undefined) return { saleId, productId };
  const sales = (await ledger.subjects()).filter((subject) => subject.productId === productId);
  const [only] = sales;
  if (only !== undefined && sales.length === 1) return { saleId: only.saleId, productId };
  if (only === undefined) complain(`No sale of ${productId} has a gate.`);
  else
    complain(
      `Several sales of ${productId} have a gate, name one: ${sales.map((sale) => sale.saleId).join(', ')}`,
    );
  return undefined;
}

async function rebuild(
  item: ItemRef,
  {
    parts,
    command,
    context,
  }: { readonly parts: RebuildParts; readonly command: Command; readonly context: CommandContext },
): Promise<number> {
  const { print, complain } = context;
  // Where nothing is given up, the audit log says nothing of it.
  const acceptLoss = command.acceptLoss || undefined;
  const asked = await parts.requests.ask(item, ACTOR, { acceptLoss });
  const startedAt = performance.now();
  const line = (text: string): void => {
    print(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
  };
  const say = onlyNews(line);
  line(`${item.saleId}.${item.productId}: closed, ${asked.reason}`);
  while (performance.now() - startedAt < command.waitMs) {
    const outcome = await parts.rebuilder
      .rebuild(item, {
        acceptLoss,
        onProgress: (progress) => {
          say(textOf(progress));
        },
      })
      .catch((error: unknown) => ({ outcome: 'failed', reason: describeFailure(error) }) as const);
    const ended = await endOf(outcome, { asked: asked.id, item, parts, say });
    if (ended !== undefined) return ended;
    await pause(TRY_AGAIN_MS);
  }
  complain('Not rebuilt in time: the item stays closed, and every admin process goes on with it.');
  return NOT_REBUILT;
}

type Attempt = RebuildOutcome | { readonly outcome: 'failed'; readonly reason: string };

/** The exit status; undefined where it goes on. */
async function endOf(
  attempt: Attempt,
  {
    asked,
    item,
    parts,
    say,
  }: {
    readonly asked: string;
    readonly item: ItemRef;
    readonly parts: RebuildParts;
    readonly say: (text: string) => void;
  },
): Promise<number | undefined> {
  switch (attempt.outcome) {
    case 'rebuilt':
      say(rebuiltText(attempt));
      return 0;
    case 'waiting':
      say(`waits for the orders processes: ${attempt.behind} messages to go`);
      return undefined;
    case 'failed':
      say(`starts over: ${attempt.reason}`);
      return undefined;
    case 'busy':
    case 'notNeeded': {
      const mine = (await parts.rebuilds.list(item, { limit: 20 })).find(({ id }) => id === asked);
      if (mine?.state !== 'done') {
        say('another process is at it');
        return undefined;
      }
      const durationMs = (mine.doneAt?.getTime() ?? 0) - mine.startedAt.getTime();
      const { epoch, orders, available } = mine;
      say(rebuiltText({ epoch: epoch ?? 0, orders, available: available ?? 0, durationMs }));
      return 0;
    }
    case 'replayFirst':
      say(
        `not rebuilt: ${attempt.reason}; run \`npm run replay\` first, and where that brings nothing back --accept-loss`,
      );
      return NOT_REBUILT;
    case 'notOpened':
      say('not rebuilt: the sale has left Redis');
      return NOT_REBUILT;
  }
}

function rebuiltText(done: {
  readonly epoch: number;
  readonly orders: number;
  readonly available: number;
  readonly durationMs: number;
}): string {
  const seconds = (done.durationMs / 1_000).toFixed(2);
  return `open again in epoch ${done.epoch}: ${done.orders} orders, ${done.available} units available; closed for ${seconds} s`;
}

function textOf({ phase, relayed, orders, available, epoch }: RebuildProgress): string {
  switch (phase) {
    case 'asked':
    case 'closing':
      return 'closes the gate';
    case 'relaying':
      return 'sends what its outbox still holds';
    case 'waiting':
      return `waits until the orders processes have applied it (${relayed ?? 0} entries sent)`;
    case 'counting':
      return `begins epoch ${epoch ?? ''}`;
    case 'writing':
      return orders === undefined ? `counts ${available ?? 0} units available` : `${orders} orders written`;
    case 'opening':
      return `opens with ${orders ?? 0} orders`;
    case 'open':
      return 'open';
  }
}

/** While it waits, each attempt says the same again. */
function onlyNews(print: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    print(text);
  };
}
