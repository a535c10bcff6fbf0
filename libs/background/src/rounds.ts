import { pauseUnlessAborted } from './backoff';

export interface RoundsOptions {
  readonly pauseMs: number;
  /** Ends early when the signal aborts, if it can. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Hears of a round that failed; the next one comes all the same. */
  readonly onFailure: (error: unknown) => void;
}

/** Work in the background that is done again and again, with a pause in between and never twice at a time. */
export class Rounds {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: RoundsOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when the round that is under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { pauseMs, work, onFailure } = this.options;
    while (!signal.aborted) {
      try {
        await work(signal);
      } catch (error) {
        onFailure(error);
      }
      await pauseUnlessAborted(pauseMs, signal);
    }
  }
}
