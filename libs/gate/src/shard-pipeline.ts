import type { ChainableCommander } from 'ioredis';
import { classifyError, type Failure, type Redirection } from './classify-error';
import type { RedisConnection, Shard } from './redis-connection';
import { SCRIPTS, type LuaScript } from './scripts.generated';

export interface ScriptCall {
  readonly script: LuaScript;
  /** All of one hash slot. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /**
   * The item's key, for calls whose answer tells a shopper that something is so. In `replicated` the answer counts only
   * when a replica has what it rests on.
   */
  readonly confirm?: string;
}

export type CallResult =
  | { readonly outcome: 'reply'; readonly reply: unknown }
  /** Certainly without effect. */
  | { readonly outcome: 'unavailable'; readonly reason: string }
  /** Sent, and no answer; or one that no replica has confirmed. */
  | { readonly outcome: 'unknown'; readonly reason: string };

export type Attempt = CallResult | Redirection;

export interface Sending {
  readonly shard: Shard;
  readonly calls: readonly ScriptCall[];
  /** By `performance.now()`. */
  readonly deadline: number;
  readonly how: 'eval' | 'evalsha';
  /** The node is told that it has been asked to answer for a slot that it is still getting. */
  readonly asking?: boolean;
}

/** Replicas that must have what a shopper is told. */
const REPLICAS = 1;
/**
 * Of the time that is left when a pipeline goes out: a WAIT that fails must still be heard in time. Redis looks for
 * clients that have waited long enough ten times a second (`hz 10`), so one may end 100 ms late.
 */
const WAIT_SHARE = 0.5;

/**
 * Sends the calls of one shard as one explicit pipeline on that node's own connection, and waits for all answers, at
 * most until the deadline. In `replicated` the pipeline ends with WAIT if a shopper is to be told: if too few replicas
 * confirm, every reply of that pipeline is `unknown`, whether the script wrote or repeated an answer of before, for what
 * another connection wrote a moment ago may be on no replica either.
 */
export class ShardPipeline {
  private readonly inFlight = new Set<(reason: string) => void>();

  constructor(private readonly connection: RedisConnection) {
    connection.onChange((event) => {
      if (event.state === 'down') for (const end of [...this.inFlight]) end('the connection was lost');
    });
  }

  /** Whether answers of these calls wait for a replica. */
  waits(calls: readonly ScriptCall[]): boolean {
    return this.connection.durability === 'replicated' && calls.some(({ confirm }) => confirm !== undefined);
  }

  /** One attempt per call, in order; never rejects. */
  async send({ shard, calls, deadline, how, asking = false }: Sending): Promise<readonly Attempt[]> {
    const { client } = shard;
    if (client?.status !== 'ready') return same(calls, 'unavailable', 'not connected');
    const pipeline = client.pipeline();
    for (const call of calls) {
      if (asking) pipeline.asking();
      append(pipeline, call, how);
    }
    const confirmed = this.waits(calls) ? appendWait(pipeline, { calls, deadline, asking }) : undefined;
    return new Promise((resolve) => {
      const settle = (results: readonly Attempt[]): void => {
        clearTimeout(timer);
        this.inFlight.delete(end);
        resolve(results);
      };
      const end = (reason: string): void => {
        settle(same(calls, 'unknown', reason));
      };
      const timer = setTimeout(
        () => {
          end('no answer in time');
          // A stalled server would let unsent and unanswered calls pile up here. Without a connection the next
          // calls are refused at once, certainly without effect, until the server answers a new one.
          shard.abandon();
        },
        Math.max(0, deadline - performance.now()),
      );
      this.inFlight.add(end);
      pipeline.exec().then(
        (replies) => {
          const step = asking ? 2 : 1;
          const attempts = calls.map((_, index) => classified(replies?.[index * step + step - 1]));
          const isConfirmed = confirmed?.(replies?.slice(calls.length * step) ?? []) ?? true;
          settle(isConfirmed ? attempts : attempts.map(unconfirmed));
        },
        (error: unknown) => {
          const failure = classifyError(error);
          settle(calls.map(() => failure));
        },
      );
    });
  }
}

type Reply = [Error | null, unknown];

function append(
  pipeline: ChainableCommander,
  { script, keys, args }: ScriptCall,
  how: 'eval' | 'evalsha',
): void {
  if (how === 'evalsha') pipeline.evalsha(script.sha1, keys.length, ...keys, ...args);
  else pipeline.eval(script.text, keys.length, ...keys, ...args);
}

/**
 * Touches what was read (`touch.lua` says why), then waits. One touch that wrote is enough for the whole pipeline: it came
 * after everything that was read. The touch of a call that was redirected is redirected, too.
 * @returns whether the replies to what was appended here confirm the pipeline
 */
function appendWait(
  pipeline: ChainableCommander,
  { calls, deadline, asking }: Pick<Required<Sending>, 'calls' | 'deadline' | 'asking'>,
): (replies: readonly Reply[]) => boolean {
  for (const { confirm } of calls) {
    if (confirm === undefined) continue;
    if (asking) pipeline.asking();
    pipeline.eval(SCRIPTS.touch.text, 1, confirm);
  }
  // 0 would wait for ever.
  pipeline.wait(REPLICAS, Math.max(1, Math.floor((deadline - performance.now()) * WAIT_SHARE)));
  return (replies) => {
    const touches = replies.slice(0, -1).map(([error, value]) => (error === null ? value : undefined));
    const isCovered = touches.includes(1) || touches.every((wrote) => wrote === 0);
    const [waitFailed, replicas] = replies.at(-1) ?? [null, 0];
    return isCovered && waitFailed === null && Number(replicas) >= REPLICAS;
  };
}

function unconfirmed(attempt: Attempt): Attempt {
  return attempt.outcome === 'reply' ? { outcome: 'unknown', reason: 'no replica confirmed' } : attempt;
}

function classified(reply: Reply | undefined): Attempt {
  if (reply === undefined) return { outcome: 'unknown', reason: 'no reply' };
  const [error, value] = reply;
  return error === null ? { outcome: 'reply', reply: value } : classifyError(error);
}

function same(
  calls: readonly ScriptCall[],
  outcome: Exclude<Failure['outcome'], Redirection['outcome']>,
  reason: string,
): readonly CallResult[] {
  return calls.map(() => ({ outcome, reason }));
}
