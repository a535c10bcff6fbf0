import type { AuditLineName } from '@flux/checker';
import type { BugSale, BugSaleOptions } from './bug-sale';
import type { Undo } from './patches';

/** A bug that somebody could have written, and a scenario in which it does harm. */
export interface SeededBug {
  readonly bug: string;
  readonly options: BugSaleOptions;
  /** Puts the bug into this process, before the scenario. */
  readonly seed: (sale: BugSale) => Undo | Promise<Undo>;
  /** What happens; the same with the bug and without it. */
  readonly scenario: (sale: BugSale) => Promise<void>;
  /** The lines that the checker must refute. */
  readonly lines: readonly AuditLineName[];
}
