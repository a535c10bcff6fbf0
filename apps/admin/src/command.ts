import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { RedisConnection } from '@flux/gate';

/** What a command at a terminal works with. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Exit status of every command that had no chance to do its work. */
export const COULD_NOT_RUN = 2;

/** Why the arguments make no command. */
export interface WrongArguments {
  readonly wrong: string;
}

export interface CommandDescription<Command> {
  readonly usage: string;
  readonly parse: (args: readonly string[]) => Command | WrongArguments;
  /** @returns the exit status */
  readonly run: (command: Command, context: CommandContext) => Promise<number>;
  /** What to say, and how to end, where `run` has thrown. */
  readonly failed: { readonly saying: string; readonly status?: (error: unknown) => number };
}

/** A command at a terminal from its arguments to its exit status: `--help`, wrong arguments, work, failure. */
export async function runCommand<Command extends object>(
  { usage, parse, run, failed }: CommandDescription<Command>,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  if (args.includes('--help')) {
    context.print(usage);
    return 0;
  }
  const command = parse(args);
  if ('wrong' in command) {
    context.complain(`${command.wrong}\n${usage}`);
    return COULD_NOT_RUN;
  }
  try {
    return await run(command, context);
  } catch (error) {
    context.complain(`${failed.saying}: ${reasonOf(error)}`);
    return failed.status?.(error) ?? COULD_NOT_RUN;
  }
}

/** The values of a command's options. */
export function optionsOf<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
): ReturnType<typeof parseArgs<{ args: string[]; options: Options }>>['values'] | WrongArguments {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return { wrong: reasonOf(error) };
  }
}

const CONNECT_MS = 10_000;

/** A service waits for Redis for ever; a person at a terminal does not. */
export async function connectedSoon(redis: RedisConnection): Promise<void> {
  const late = pause(CONNECT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`Redis does not answer within ${CONNECT_MS} ms: see REDIS_URL`);
  });
  await Promise.race([redis.whenReady(), late]);
}

/** Node gives several failed attempts to connect as one error without a text. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
