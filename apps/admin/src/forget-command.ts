import { loadConfig } from '@flux/config';
import { FORGOTTEN_SHOPPER_PATTERN, SHOPPER_ID_PATTERN } from '@flux/contracts';
import { GateClient, RedisConnection, redisSettings } from '@flux/gate';
import { createDataSource, databaseSettings, Forgetting, type ShopperForgetting } from '@flux/ledger';
import { z } from 'zod';
import { type CommandContext, connectedSoon, optionsOf, runCommand, type WrongArguments } from './command';
import { noteForgetting } from './forget-record';

const USAGE = `usage: npm run forget -- --shopper ID
  --shopper ID  whose identity is removed from every sale that has ended
The orders stay, under a name that stands for nobody. A repeat changes nothing.
Exit status: 0 forgotten everywhere, 1 something is left (the lines say what to do), 2 could not run.`;

const SOMETHING_LEFT = 1;

/** Who is in the audit log: nobody has a key at a terminal. */
const ACTOR = 'npm run forget';

const forgetSettings = z.object({ ...redisSettings.shape, ...databaseSettings.shape });

/** `npm run forget`: forgets a shopper, and says what it did in which sale. @returns the exit status */
export async function runForgetCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const failed = { saying: 'Not everything was forgotten, run it again' };
  return runCommand({ usage: USAGE, parse, run, failed }, args, context);
}

interface Command {
  readonly shopperId: string;
}

async function run({ shopperId }: Command, { env, print }: CommandContext): Promise<number> {
  const done = await forget(shopperId, env);
  for (const line of linesOf(done)) print(line);
  return isLeft(done) ? SOMETHING_LEFT : 0;
}

function parse(args: readonly string[]): Command | WrongArguments {
  const parsed = optionsOf(args, { shopper: { type: 'string' } });
  if ('wrong' in parsed) return parsed;
  const { shopper: shopperId } = parsed;
  if (shopperId === undefined) return { wrong: '--shopper is missing' };
  if (!SHOPPER_ID_PATTERN.test(shopperId)) return { wrong: '--shopper is not the id of a shopper' };
  if (FORGOTTEN_SHOPPER_PATTERN.test(shopperId)) return { wrong: '--shopper was forgotten before' };
  return { shopperId };
}

async function forget(shopperId: string, env: CommandContext['env']): Promise<ShopperForgetting> {
  const config = loadConfig(forgetSettings, env);
  const redis = new RedisConnection(config);
  const database = createDataSource({ config, applicationName: 'flux-forget' });
  try {
    await Promise.all([connectedSoon(redis), database.initialize()]);
    const done = await new Forgetting(database, new GateClient(redis)).forgetShopper(shopperId);
    for (const sale of done.sales) await noteForgetting(database, ACTOR, sale);
    return done;
  } finally {
    redis.close();
    if (database.isInitialized) await database.destroy();
  }
}

function isLeft({ sales, waitingMessages }: ShopperForgetting): boolean {
  return waitingMessages.length > 0 || sales.some(({ outcome }) => outcome === 'skipped');
}

function* linesOf({ sales, deliveries, messages, waitingMessages }: ShopperForgetting): Generator<string> {
  for (const sale of sales) {
    switch (sale.outcome) {
      case 'forgotten':
        yield `forgotten  sale ${sale.saleId}: ${sale.orders} orders`;
        break;
      case 'skipped':
        yield `left       sale ${sale.saleId}: ${sale.reason}`;
        break;
    }
  }
  if (deliveries > 0) yield `forgotten  ${deliveries} webhook deliveries`;
  if (messages > 0) yield `forgotten  ${messages} messages that had been parked`;
  for (const id of waitingMessages) {
    yield `left       parked message ${id} may name the shopper: retry or discard it, and forget again`;
  }
  if (sales.length + deliveries + messages + waitingMessages.length === 0)
    yield 'nothing of this shopper was found';
}
