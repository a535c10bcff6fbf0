import type { MaintenanceTask } from './maintenance.metrics';

/** Work that the maintenance loop repeats, with a pause in between. */
export interface MaintenanceRound {
  readonly task: MaintenanceTask;
  readonly pauseMs: number;
  /** @throws where the round ended early; the next one goes on */
  readonly work: () => Promise<void>;
}

/** Injection token of the rounds that other parts add to the loop. */
export const MAINTENANCE_ROUNDS = Symbol('MAINTENANCE_ROUNDS');
