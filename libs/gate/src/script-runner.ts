import { setTimeout as pause } from 'node:timers/promises';
import type { Redirection } from './classify-error';
import { GateUnavailableError } from './gate-error';
import type { RedisConnection, Shard } from './redis-connection';
import { ShardPipeline, type Attempt, type CallResult, type ScriptCall } from './shard-pipeline';
import { SharedWaits } from './shared-waits';

/** Between two tries while a slot's keys are under way, or while nodes point at each other. */
const RETRY_PAUSE_MS = 20;
/** Redirections that are followed without a pause. */
const SWIFT_REDIRECTIONS = 3;
/** Of the time that is left, how much a connection to a node may take that is only just being made. */
const CONNECT_SHARE = 0.5;
const CONNECT_LOOK_MS = 5;

/**
 * Runs scripts: one explicit pipeline per shard for the calls of one turn. No call waits longer than the command
 * timeout, whatever Redis or the client library does, and no call of a shard waits for another shard.
 *
 * ioredis' own pipelines over a cluster follow a redirection only where every command of the pipeline got the same one,
 * which a WAIT never does. So pipelines go to the nodes themselves, and redirections are followed here.
 */
export class ScriptRunner {
  private readonly pipeline: ShardPipeline;
  private readonly sharedWaits: SharedWaits;

  constructor(private readonly connection: RedisConnection) {
    this.pipeline = new ShardPipeline(connection);
    this.sharedWaits = new SharedWaits(this.pipeline, connection.timeoutMs);
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
    return replyOf((await this.runAll([call])[0]) ?? { outcome: 'unknown', reason: 'no reply' });
  }

  private async runOnShard(shard: Shard, calls: readonly ScriptCall[]): Promise<readonly CallResult[]> {
    const deadline = performance.now() + this.connection.timeoutMs;
    if (shard.isConnecting()) await connected(shard, deadline);
    const first = await (this.pipeline.waits(calls)
      ? this.sharedWaits.send({ shard, calls, deadline })
      : this.pipeline.send({ shard, calls, deadline, how: 'evalsha' }));
    return Promise.all(
      first.map(async (attempt, index) => {
        const call = calls[index];
        const result = call === undefined ? certain(attempt) : await this.follow(call, attempt, deadline);
        if (result.outcome !== 'reply') this.connection.lookAgain();
        return result;
      }),
    );
  }

  /**
   * Does what a redirection says, until there is an answer or the time is up. Each call goes on alone, since the others
   * of its pipeline may have been answered; first steps are issued in the order of the calls.
   */
  private async follow(call: ScriptCall, first: Attempt, deadline: number): Promise<CallResult> {
    let attempt = first;
    let how: 'eval' | 'evalsha' = 'evalsha';
    for (let redirections = 0; isRedirection(attempt); redirections += 1) {
      if (attempt.outcome === 'noScript') how = 'eval';
      if (attempt.outcome === 'moved') this.connection.moved(attempt);
      if (attempt.outcome === 'tryAgain' || redirections >= SWIFT_REDIRECTIONS) await pause(RETRY_PAUSE_MS);
      if (performance.now() >= deadline) return certain(attempt);
      const asking = attempt.outcome === 'ask';
      const shard =
        attempt.outcome === 'ask'
          ? this.connection.shardAt(attempt.address)
          : this.connection.shardOf(call.keys[0] ?? '');
      if (shard.isConnecting()) await connected(shard, deadline);
      attempt = (await this.pipeline.send({ shard, calls: [call], deadline, how, asking }))[0] ?? attempt;
    }
    return attempt;
  }
}

/** @throws GateUnavailableError where there is none */
export function replyOf(result: CallResult): unknown {
  switch (result.outcome) {
    case 'reply':
      return result.reply;
    case 'unavailable':
      throw new GateUnavailableError('none', result.reason);
    case 'unknown':
      throw new GateUnavailableError('unknown', result.reason);
  }
}

/** So that a node met for the first time refuses nobody. */
async function connected(shard: Shard, deadline: number): Promise<void> {
  const now = performance.now();
  const until = now + (deadline - now) * CONNECT_SHARE;
  while (shard.isConnecting() && performance.now() < until) await pause(CONNECT_LOOK_MS);
}

function isRedirection(attempt: Attempt): attempt is Redirection {
  switch (attempt.outcome) {
    case 'reply':
    case 'unavailable':
    case 'unknown':
      return false;
    case 'noScript':
    case 'moved':
    case 'ask':
    case 'tryAgain':
      return true;
  }
}

function certain(attempt: Attempt): CallResult {
  return isRedirection(attempt) ? { outcome: 'unavailable', reason: attempt.reason } : attempt;
}
