import type { OrderStatusEvent } from '@flux/contracts';
import type { AuditLineName } from '../src/audit-report';
import type { AuditWorld } from '@flux/testing';

/** One thing that is broken on purpose, the line that must fail for it, and its logical consequences. */
export interface SeededFault {
  readonly fault: string;
  readonly line: AuditLineName;
  readonly consequences?: readonly AuditLineName[];
  /** What is published of the sound changes. */
  readonly publish?: (changes: readonly OrderStatusEvent[]) => readonly OrderStatusEvent[];
  /** Breaks it; returns the id that the line must name, and a history where that is what was broken. */
  readonly seed: (
    world: AuditWorld,
  ) => Promise<{ readonly offender: string; readonly history?: readonly string[] }>;
}
