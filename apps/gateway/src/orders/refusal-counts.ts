import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { ErrorCode } from '@flux/contracts';
import { GateUnavailableError, type Refusals } from '@flux/gate';
import type { Log } from '@flux/telemetry';

const FLUSH_MS = 1_000;

/** Sales counted between two flushes; refusals of any more are not counted. */
const MAX_SALES = 1_000;

type Counts = Map<ErrorCode, number>;

/**
 * How many purchases were refused, by sale and error code, for the sale's report: counted here, added up in Redis
 * once a second and at the end. Best effort: a gateway that dies takes a second's counts with it.
 */
export class RefusalCounts implements OnApplicationBootstrap, OnApplicationShutdown {
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly refusals: Pick<Refusals, 'add'>,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.flushing ??= this.flush().finally(() => {
        this.flushing = undefined;
      });
    }, FLUSH_MS).unref();
  }

  /** After the last answer and before Redis is left. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flushing;
    await this.flush();
  }

  /** @param saleId a sale that exists, never what a caller made up */
  count(saleId: string, code: ErrorCode, times = 1): void {
    const counts = this.counts.get(saleId) ?? new Map<ErrorCode, number>();
    if (!this.counts.has(saleId) && this.counts.size >= MAX_SALES) return;
    counts.set(code, (counts.get(code) ?? 0) + times);
    this.counts.set(saleId, counts);
  }

  private async flush(): Promise<void> {
    const counts = this.counts;
    this.counts = new Map();
    for (const [saleId, ofSale] of counts) await this.add(saleId, ofSale);
  }

  private async add(saleId: string, counts: Counts): Promise<void> {
    try {
      await this.refusals.add(saleId, Object.fromEntries(counts));
    } catch (error) {
      if (!(error instanceof GateUnavailableError))
        this.log.error({ err: error, saleId }, 'refusals were not added');
      // Where they may have been added, once too few is better than twice.
      else if (error.effect === 'none') this.putBack(saleId, counts);
    }
  }

  private putBack(saleId: string, counts: Counts): void {
    for (const [code, times] of counts) this.count(saleId, code, times);
  }
}
