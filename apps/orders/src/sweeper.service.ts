import { pauseUnlessAborted, Rounds } from '@flux/background';
import type { ItemRef } from '@flux/contracts';
import { Outboxes } from '@flux/gate';
import { describeFailure, ExclusiveWork } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { LostSendsService } from './lost-sends.service';
import { RewindCheckService } from './rewind-check.service';
import { SettleService } from './settle.service';

/** Advisory lock of the one sweeper; any fixed number that nothing else in the database uses. */
const SWEEPER_LOCK = 7_305_002;

export interface SweeperOptions {
  readonly intervalMs: number;
  readonly ageMs: number;
}

/** Injection token of the sweeper's options. */
export const SWEEPER_OPTIONS = Symbol('flux.sweeper');

/**
 * Finishes what a crash or an outage left in the outboxes: first what the ledger has and the gate has not heard of,
 * without Kafka; then what Kafka has lost. Looks, too, whether the gate still agrees with the ledger. Of all processes
 * one sweeps, for as long as it lives; nothing waits for it.
 */
@Injectable()
export class SweeperService implements OnModuleDestroy {
  private readonly rounds: Rounds;

  constructor(
    private readonly exclusive: ExclusiveWork,
    private readonly outboxes: Outboxes,
    private readonly settles: SettleService,
    private readonly rewinds: RewindCheckService,
    private readonly lostSends: LostSendsService,
    @Inject(SWEEPER_OPTIONS) private readonly options: SweeperOptions,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({
      pauseMs: options.intervalMs,
      work: async (signal) => {
        await this.exclusive.run(SWEEPER_LOCK, (lost) => this.sweepUntil(AbortSignal.any([signal, lost])));
      },
      onFailure: (error) => {
        this.log.warn({ reason: describeFailure(error) }, 'the sweeper starts over');
      },
    });
  }

  /** Begins to sweep in the background; call it once the ledger is ready. */
  start(): void {
    this.rounds.start();
  }

  /** Ends after the step that is under way. */
  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  private async sweepUntil(signal: AbortSignal): Promise<void> {
    this.lostSends.forget();
    this.log.info('this process sweeps');
    while (!signal.aborted) {
      await this.sweep(signal);
      await pauseUnlessAborted(this.options.intervalMs, signal);
    }
  }

  private async sweep(signal: AbortSignal): Promise<void> {
    try {
      for (const item of await this.outboxes.list()) {
        if (signal.aborted) return;
        await this.sweepItem(item);
      }
    } catch (error) {
      this.log.warn({ reason: describeFailure(error) }, 'the outboxes cannot be read');
    }
  }

  private async sweepItem(item: ItemRef): Promise<void> {
    try {
      await this.rewinds.check(item);
      if (!(await this.isAged(item))) return;
      await this.settles.catchUp(item);
      await this.lostSends.look(item, this.options.ageMs);
    } catch (error) {
      this.log.warn({ ...item, reason: describeFailure(error) }, 'the item could not be swept');
    }
  }

  private async isAged(item: ItemRef): Promise<boolean> {
    const oldestMs = await this.outboxes.oldestAcceptedAtMs(item);
    if (oldestMs === undefined) return false;
    const { nowMs } = await this.outboxes.progress(item);
    return oldestMs <= nowMs - this.options.ageMs;
  }
}
