import type { AuditReport } from '@flux/checker';
import type { History, StatusAnswer } from '../clients/history';
import type { Answer } from '../../e2e/support/crowd';
import type { Destruction, Failover } from '../world/installation';
import type { LedgerRows } from './ledger-rows';

/** What was asked once more of one order that a client has a 202 for, when everything was at rest. */
export interface LastWord {
  readonly orderId: string;
  /** The last 202 of its key during the run. */
  readonly accepted: Answer;
  /** GET before the last attempt. */
  readonly look: StatusAnswer | undefined;
  /** The last attempt with its key. */
  readonly answer: Answer | undefined;
}

/** All that the verdict is made of. */
export interface Evidence {
  readonly history: History;
  readonly lastWords: readonly LastWord[];
  readonly rows: LedgerRows;
  readonly destructions: readonly Destruction[];
  readonly failovers: readonly Failover[];
  readonly audits: readonly AuditReport[];
  /** Why the system did not come to rest; empty where it did. */
  readonly unrest: readonly string[];
  /** What faults found wrong by themselves. */
  readonly accusations: readonly string[];
  /** Orderly stops, those that ran into their own deadline, and what was wrong with others. */
  readonly stops: { readonly count: number; readonly cutOff: number; readonly bad: readonly string[] };
  /** Processes that ended by themselves. */
  readonly deaths: readonly string[];
}
