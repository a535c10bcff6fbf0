import { Rounds } from '@flux/background';
import type { ItemRef } from '@flux/contracts';
import { describeFailure, Holds, TellGate, type ExpiredOrders } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { OrdersMetrics } from '../orders.metrics';
import { EXPIRY_OPTIONS, type ExpiryOptions } from './expiry.options';

/**
 * Ends the orders whose hold ran out, in PostgreSQL first, then at the gate. Every orders process does it; what one
 * ends, the others find ended.
 */
@Injectable()
export class ExpiryService implements OnModuleDestroy {
  private readonly rounds: Rounds;

  constructor(
    private readonly holds: Holds,
    private readonly tellGate: TellGate,
    private readonly metrics: OrdersMetrics,
    @Inject(EXPIRY_OPTIONS) private readonly options: ExpiryOptions,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({
      pauseMs: options.intervalMs,
      work: (signal) => this.expireAll(signal),
      onFailure: (error) => {
        this.log.warn({ reason: describeFailure(error) }, 'what is due cannot be looked up');
      },
    });
  }

  /** Begins in the background; call it once the ledger is ready. */
  start(): void {
    this.rounds.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  /** Batch after batch while they are full. The gate hears of one while the next one is committed. */
  private async expireAll(signal: AbortSignal): Promise<void> {
    const failed: ItemRef[] = [];
    let telling: Promise<unknown> = Promise.resolve();
    let full = true;
    try {
      while (full && !signal.aborted) {
        const result = await this.holds.expireDue(this.options.batch, failed);
        await telling;
        telling = Promise.all(result.items.map((expired) => this.tell(expired)));
        for (const { item, reason } of result.failed) {
          failed.push(item);
          this.log.warn({ ...item, reason }, 'the holds of the item could not be ended');
        }
        full = result.full;
      }
    } finally {
      await telling;
    }
  }

  /** Never rejects: what the gate does not hear of now is told later. */
  private async tell({ item, changes, lockedMs }: ExpiredOrders): Promise<void> {
    if (changes.length === 0) return;
    this.metrics.expired(changes.length, lockedMs);
    await this.tellGate.tellChanges(item, changes);
  }
}
