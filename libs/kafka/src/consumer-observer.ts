/** What the consumer tells its process, for metrics and logs. Every call is synchronous and must not throw. */
export interface ConsumerObserver {
  /** A handler call that ended with `done`. */
  handled(event: {
    readonly topic: string;
    readonly partition: number;
    readonly messages: number;
    readonly bytes: number;
    readonly durationMs: number;
  }): void;
  /** Messages of the partition that are not yet committed, after each commit. */
  lag(event: { readonly topic: string; readonly partition: number; readonly lag: number }): void;
  /** `attempt` counts from 1 and starts anew when the batch gets through. */
  retried(event: {
    readonly topic: string;
    readonly partition: number;
    readonly reason: string;
    readonly attempt: number;
    readonly delayMs: number;
  }): void;
  parked(event: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: bigint;
    readonly reason: string;
  }): void;
  /** The group was joined; the partitions per topic that this process owns from now on. */
  assigned(event: { readonly partitions: Readonly<Record<string, readonly number[]>> }): void;
}

const ignore = () => undefined;

/** An observer from the calls that are of interest. */
export function consumerObserver(calls: Partial<ConsumerObserver> = {}): ConsumerObserver {
  return { handled: ignore, lag: ignore, retried: ignore, parked: ignore, assigned: ignore, ...calls };
}
