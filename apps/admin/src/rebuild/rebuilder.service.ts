import { itemName, type ItemRef } from '@flux/contracts';
import { type GateLook, GateRebuild } from '@flux/gate';
import {
  describeFailure,
  ExclusiveWork,
  type GateSubject,
  type RebuildAttempt,
  RebuildLedger,
  Rebuilds,
} from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import { rebuildNeed, type RebuildNeed } from './rebuild-need';
import type { NewGate } from './rebuild-opening.service';
import { RebuildSteps } from './rebuild-steps.service';
import { type RebuildProgress, RebuildTrack } from './rebuild-track';
import { RebuildMetrics } from './rebuild.metrics';

export type RebuildOutcome =
  /** `durationMs`: from when it was asked for or found to be needed. */
  | ({ readonly outcome: 'rebuilt'; readonly durationMs: number } & NewGate)
  /** The orders processes have still to apply what Kafka has: call again. */
  | { readonly outcome: 'waiting'; readonly behind: bigint }
  /** The gate knows more than the ledger: PostgreSQL went back in time. Nothing changed. */
  | { readonly outcome: 'replayFirst'; readonly reason: string }
  | { readonly outcome: 'notNeeded' }
  /** The item's gate was never opened, or its sale is retired. */
  | { readonly outcome: 'notOpened' }
  /** Another process is at it. */
  | { readonly outcome: 'busy' };

export interface RebuildOptions {
  /** How long to wait for the orders processes before `waiting`. */
  readonly patienceMs?: number;
  /** Also of a gate that knows more than the ledger: the operator gives up what only the gate knows. */
  readonly acceptLoss?: boolean | undefined;
  /** Hears of each phase, and of each page; what it throws ends the attempt. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

/** What gate and ledger said of an item, and what follows from it. */
export interface Assessment {
  readonly look: GateLook;
  readonly subject: GateSubject;
  readonly need: RebuildNeed;
}

const PATIENCE_MS = 1_000;

/** Rebuilds the gate of an item that needs it. One process at a time works on an item, of any number that try. */
@Injectable()
export class Rebuilder {
  constructor(
    private readonly exclusive: ExclusiveWork,
    private readonly gateRebuild: GateRebuild,
    private readonly ledger: RebuildLedger,
    private readonly rebuilds: Rebuilds,
    private readonly steps: RebuildSteps,
    private readonly metrics: RebuildMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Whether the item has to be rebuilt; undefined where it has no gate to look after. Reads the gate before the ledger
   * and changes nothing.
   * @throws where Redis or PostgreSQL does not answer
   */
  async assess(
    item: ItemRef,
    options: Pick<RebuildOptions, 'acceptLoss'> = {},
  ): Promise<Assessment | undefined> {
    const look = await this.gateRebuild.look(item);
    const subject = await this.ledger.subject(item);
    return subject === undefined ? undefined : { look, subject, need: rebuildNeed(look, subject, options) };
  }

  /**
   * One attempt, where the item needs it.
   * @throws where a server does not answer, or a step was refused because of what happened meanwhile: try again later
   */
  async rebuild({ saleId, productId }: ItemRef, options: RebuildOptions = {}): Promise<RebuildOutcome> {
    const item = { saleId, productId };
    let outcome: RebuildOutcome = { outcome: 'busy' };
    await this.exclusive.run(`flux:rebuild:${itemName(item)}`, async (signal) => {
      outcome = await this.rebuildAlone(item, signal, options);
    });
    return outcome;
  }

  private async rebuildAlone(
    item: ItemRef,
    signal: AbortSignal,
    options: RebuildOptions,
  ): Promise<RebuildOutcome> {
    const found = await this.assess(item, options);
    if (found === undefined) return { outcome: 'notOpened' };
    const { subject, need } = found;
    switch (need.need) {
      case 'none':
        // One that was cut off after it had finished the gate.
        if (subject.isRebuilding) await this.rebuilds.settle(item);
        return { outcome: 'notNeeded' };
      case 'replay':
        return { outcome: 'replayFirst', reason: need.reason };
      case 'rebuild': {
        const { kind, reason } = need;
        const request = { ...item, kind, reason, actor: SYSTEM_ACTOR, fromEpoch: subject.epoch };
        const asked = await this.rebuilds.ask(request);
        const attempt = await this.rebuilds.begin(item);
        const { rebuilds, log } = this;
        const track = new RebuildTrack({
          ...{ item, attempt, signal, rebuilds, log },
          onProgress: options.onProgress,
        });
        return this.attempt(track, found, options).catch(async (error: unknown) => {
          this.metrics.failed(asked.kind);
          await this.noteFailure(attempt, error);
          throw error;
        });
      }
    }
  }

  private async attempt(
    track: RebuildTrack,
    found: Assessment,
    { patienceMs = PATIENCE_MS, onProgress }: RebuildOptions,
  ): Promise<RebuildOutcome> {
    const done = await this.steps.run(track, found, patienceMs);
    if (done.outcome === 'waiting') return done;
    const { epoch, orders, available, finished } = done;
    const { kind, reason, durationMs } = finished;
    this.metrics.rebuilt(kind, durationMs);
    const figures = { epoch, orders, available };
    this.log.warn({ ...track.item, reason, ...figures, durationMs }, 'the gate was rebuilt: it sells again');
    onProgress?.({ phase: 'open', ...figures });
    return { outcome: 'rebuilt', ...figures, durationMs };
  }

  /** For whoever reads the progress; where PostgreSQL is what failed, the log has it. */
  private async noteFailure(attempt: RebuildAttempt, error: unknown): Promise<void> {
    await this.rebuilds.note(attempt, { lastFailure: describeFailure(error) }).catch(() => undefined);
  }
}
