import { Rounds } from '@flux/background';
import { describeFailure, TellGate } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { OrdersMetrics } from '../orders.metrics';
import { EXPIRY_OPTIONS, type ExpiryOptions } from './expiry.options';

/** Tells the gate what whoever committed it could not tell: they died, or the gate was down. */
@Injectable()
export class UntoldService implements OnModuleDestroy {
  private readonly rounds: Rounds;

  constructor(
    private readonly tellGate: TellGate,
    private readonly metrics: OrdersMetrics,
    @Inject(EXPIRY_OPTIONS) private readonly options: ExpiryOptions,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({
      pauseMs: options.intervalMs,
      work: () => this.tellAll(),
      onFailure: (error) => {
        this.log.warn({ reason: describeFailure(error) }, 'what the gate lacks cannot be looked up');
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

  private async tellAll(): Promise<void> {
    const told = await this.tellGate.tellDue(this.options.batch);
    this.metrics.toldLater(told.orders);
    if (told.outcome === 'later') this.log.debug({ reason: told.reason }, 'the gate still lacks states');
  }
}
