import type { ItemRef } from '@flux/contracts';
import type { RebuildAttempt, RebuildNote, RebuildPhase, Rebuilds } from '@flux/ledger';
import type { Log } from '@flux/telemetry';

/** Where an attempt is, and what it knows by then. */
export interface RebuildProgress extends RebuildNote {
  readonly phase: RebuildPhase;
}

interface TrackParts {
  readonly item: ItemRef;
  readonly attempt: RebuildAttempt;
  /** Aborts when the item's lock is lost. */
  readonly signal: AbortSignal;
  readonly rebuilds: Rebuilds;
  readonly log: Log;
  readonly onProgress: ((progress: RebuildProgress) => void) | undefined;
}

/** Where one attempt says how far it has come: in PostgreSQL, in the log, and to whoever watches it. */
export class RebuildTrack {
  readonly item: ItemRef;
  readonly attempt: RebuildAttempt;
  readonly signal: AbortSignal;
  /** Marks the gate that this attempt closed. */
  readonly closedBy: string;
  private readonly startedAt = performance.now();
  private phase: RebuildPhase | undefined;

  constructor(private readonly parts: TrackParts) {
    this.item = parts.item;
    this.attempt = parts.attempt;
    this.signal = parts.signal;
    this.closedBy = `${parts.attempt.id}.${parts.attempt.attempt}`;
  }

  /** @throws where the item's lock was lost meanwhile */
  async enter(phase: RebuildPhase, note: RebuildNote = {}): Promise<void> {
    const { item, attempt, rebuilds, log, onProgress } = this.parts;
    this.signal.throwIfAborted();
    await rebuilds.note(attempt, { ...note, phase });
    const ms = Math.round(performance.now() - this.startedAt);
    // Each page of a large item is one more step of the same phase.
    const level = phase === this.phase ? 'debug' : 'info';
    this.phase = phase;
    log[level]({ ...item, attempt: attempt.attempt, phase, ...note, ms }, 'rebuilds a gate');
    onProgress?.({ ...note, phase });
  }
}
