import type { ChainableCommander } from 'ioredis';
import { classifyError, type Failure } from './classify-error';
import { GateUnavailableError } from './gate-error';
import type { RedisConnection, Shard } from './redis-connection';
import type { GateScript } from './scripts.generated';

export interface ScriptCall {
  readonly script: GateScript;
  /** All of one hash slot. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

export type CallResult =
  | { readonly outcome: 'reply'; readonly reply: unknown }
  /** Certainly without effect. */
  | { readonly outcome: 'unavailable'; readonly reason: string }
  /** Sent, and no answer. */
  | { readonly outcome: 'unknown'; readonly reason: string };

type Attempt = CallResult | Failure;

/**
 * Runs scripts: one explicit pipeline per shard for the calls of one turn. No call waits longer than the command
 * timeout, whatever Redis or the client library does, and no call of a shard waits for another shard.
 */
export class ScriptRunner {
  private readonly inFlight = new Set<(reason: string) => void>();

  constructor(private readonly connection: RedisConnection) {
    connection.onChange((event) => {
      if (event.state === 'down') for (const end of [...this.inFlight]) end('the connection was lost');
    });
  }

  /** One promise per call, in order; none rejects. */
  runAll(calls: readonly ScriptCall[]): readonly Promise<CallResult>[] {
    const shards = new Map<string, { readonly shard: Shard; readonly indexes: number[] }>();
    calls.forEach(({ keys }, index) => {
      const shard = this.connection.shardOf(keys[0] ?? '');
      const group = shards.get(shard.id) ?? { shard, indexes: [] };
      group.indexes.push(index);
      shards.set(shard.id, group);
    });
    const results: Promise<CallResult>[] = [];
    for (const { shard, indexes } of shards.values()) {
      const ofShard = this.runOnShard(
        shard,
        indexes.map((index) => calls[index]).filter((call) => call !== undefined),
      ).catch((error: unknown): readonly CallResult[] =>
        // A fault of our own or of the client library: whoever waits must hear of it.
        indexes.map(() => ({ outcome: 'unknown', reason: String(error) })),
      );
      indexes.forEach((index, place) => {
        results[index] = ofShard.then((all) => all[place] ?? { outcome: 'unknown', reason: 'no reply' });
      });
    }
    return results;
  }

  /**
   * One call, for the verbs that are not batched.
   * @throws GateUnavailableError
   */
  async run(call: ScriptCall): Promise<unknown> {
    const result = (await this.runAll([call])[0]) ?? { outcome: 'unknown', reason: 'no reply' };
    switch (result.outcome) {
      case 'reply':
        return result.reply;
      case 'unavailable':
        throw new GateUnavailableError('none', result.reason);
      case 'unknown':
        throw new GateUnavailableError('unknown', result.reason);
    }
  }

  private async runOnShard(shard: Shard, calls: readonly ScriptCall[]): Promise<readonly CallResult[]> {
    const deadline = performance.now() + this.connection.timeoutMs;
    const first = await this.attempt({ shard, calls, deadline, how: 'evalsha' });
    return Promise.all(
      first.map(async (result, index) => {
        const call = calls[index];
        if (result.outcome !== 'again' || call === undefined) return certain(result);
        // With the text, so that a server that forgot its scripts learns it; alone, so that the client library
        // follows a slot that has moved. Issued in the order of the calls.
        const [second] = await this.attempt({ shard, calls: [call], deadline, how: 'eval' });
        return certain(second ?? result);
      }),
    );
  }

  private async attempt({
    shard,
    calls,
    deadline,
    how,
  }: {
    readonly shard: Shard;
    readonly calls: readonly ScriptCall[];
    readonly deadline: number;
    readonly how: 'eval' | 'evalsha';
  }): Promise<readonly Attempt[]> {
    if (!this.connection.isReady()) {
      return calls.map(() => ({ outcome: 'unavailable', reason: 'not connected' }) as const);
    }
    const pipeline = this.connection.client.pipeline();
    for (const call of calls) append(pipeline, call, how);
    return new Promise((resolve) => {
      const settle = (results: readonly Attempt[]): void => {
        clearTimeout(timer);
        this.inFlight.delete(end);
        resolve(results);
      };
      const end = (reason: string): void => {
        settle(calls.map(() => ({ outcome: 'unknown', reason }) as const));
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
          settle(calls.map((_, index) => classified(replies?.[index])));
        },
        (error: unknown) => {
          settle(calls.map(() => classifyError(error)));
        },
      );
    });
  }
}

function append(
  pipeline: ChainableCommander,
  { script, keys, args }: ScriptCall,
  how: 'eval' | 'evalsha',
): void {
  if (how === 'evalsha') pipeline.evalsha(script.sha1, keys.length, ...keys, ...args);
  else pipeline.eval(script.text, keys.length, ...keys, ...args);
}

function classified(reply: [Error | null, unknown] | undefined): Attempt {
  if (reply === undefined) return { outcome: 'unknown', reason: 'no reply' };
  const [error, value] = reply;
  return error === null ? { outcome: 'reply', reply: value } : classifyError(error);
}

function certain(result: Attempt): CallResult {
  return result.outcome === 'again' ? { outcome: 'unavailable', reason: result.reason } : result;
}
