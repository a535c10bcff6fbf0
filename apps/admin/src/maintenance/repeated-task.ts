import { setTimeout as pause } from 'node:timers/promises';

/** Work that is done again and again, with a pause in between and never twice at a time. */
export class RepeatedTask {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly options: {
      readonly pauseMs: number;
      readonly work: () => Promise<void>;
      /** Hears of a round that failed; the next one comes all the same. */
      readonly onFailure: (error: unknown) => void;
    },
  ) {}

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
        await work();
      } catch (error) {
        onFailure(error);
      }
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
