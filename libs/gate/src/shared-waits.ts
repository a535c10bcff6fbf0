import type { Attempt, ScriptCall, ShardPipeline } from './shard-pipeline';
import type { Shard } from './redis-connection';

interface Part {
  readonly shard: Shard;
  readonly calls: readonly ScriptCall[];
  readonly deadline: number;
}

interface Waiting extends Part {
  readonly answer: (attempts: readonly Attempt[]) => void;
}

/** Least share of the command timeout with which a pipeline is still sent. */
const LEAST_TIME = 0.1;

/**
 * Pipelines that end with a WAIT, one at a time per shard: what comes meanwhile shares the next one and its WAIT. Redis
 * would not read further from a connection that waits anyway, and with its replicas gone no more than one pipeline has
 * effects that nobody can be told of.
 */
export class SharedWaits {
  private readonly queues = new Map<string, Waiting[]>();

  constructor(
    private readonly pipeline: ShardPipeline,
    private readonly timeoutMs: number,
  ) {}

  /** One attempt per call, in order, before the deadline. */
  async send(part: Part): Promise<readonly Attempt[]> {
    return new Promise((answer) => {
      const waiting = { ...part, answer };
      const queue = this.queues.get(part.shard.id);
      if (queue === undefined) void this.flush(part.shard.id, [waiting]);
      else queue.push(waiting);
    });
  }

  private async flush(id: string, parts: readonly [Waiting, ...Waiting[]]): Promise<void> {
    this.queues.set(id, []);
    await this.sendTogether(parts);
    const [next, ...more] = this.queues.get(id) ?? [];
    if (next === undefined) this.queues.delete(id);
    else void this.flush(id, [next, ...more]);
  }

  private async sendTogether(parts: readonly [Waiting, ...Waiting[]]): Promise<void> {
    const calls = parts.flatMap((part) => part.calls);
    // The first has waited longest.
    const [{ shard, deadline }] = parts;
    const attempts =
      deadline - performance.now() < this.timeoutMs * LEAST_TIME
        ? calls.map(() => ({ outcome: 'unavailable', reason: 'the replicas are slow' }) as const)
        : await this.pipeline.send({ shard, calls, deadline, how: 'evalsha' }).catch((error: unknown) =>
            // A fault of our own or of the client library: whoever waits must hear of it, and so must the next.
            calls.map(() => ({ outcome: 'unknown', reason: String(error) }) as const),
          );
    let from = 0;
    for (const part of parts) {
      part.answer(attempts.slice(from, from + part.calls.length));
      from += part.calls.length;
    }
  }
}
