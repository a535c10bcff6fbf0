import { Rounds } from '@flux/background';
import { describeFailure } from '@flux/ledger';
import { LOG, type Log, RepeatedWarning } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { MAINTENANCE_ROUNDS, type MaintenanceRound } from './maintenance-round';
import { MaintenanceMetrics, type MaintenanceTask } from './maintenance.metrics';
import { MaintenanceService } from './maintenance.service';

const CLOSING_PAUSE_MS = 1_000;
const COMPLETING_PAUSE_MS = 10_000;
const RETIRING_PAUSE_MS = 10_000;

/** Does the maintenance again and again, from `start` to `stop`. */
@Injectable()
export class MaintenanceLoop {
  private readonly tasks: readonly Rounds[];
  private readonly warning: RepeatedWarning;

  constructor(
    maintenance: MaintenanceService,
    private readonly metrics: MaintenanceMetrics,
    @Inject(LOG) log: Log,
    @Inject(MAINTENANCE_ROUNDS) rounds: readonly MaintenanceRound[],
  ) {
    this.warning = new RepeatedWarning(log, 'a round of maintenance ended early');
    this.tasks = [
      this.task('closing', CLOSING_PAUSE_MS, () => maintenance.close()),
      this.task('completing', COMPLETING_PAUSE_MS, async () => {
        const problems = await maintenance.complete();
        if (problems !== undefined) metrics.stuck(problems);
      }),
      this.task('retiring', RETIRING_PAUSE_MS, () => maintenance.retire()),
      ...rounds.map(({ task, pauseMs, work }) => this.task(task, pauseMs, work)),
    ];
  }

  start(): void {
    for (const task of this.tasks) task.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.stop()));
  }

  private task(name: MaintenanceTask, pauseMs: number, work: () => Promise<void>): Rounds {
    const onFailure = (error: unknown): void => {
      this.metrics.failed(name);
      this.warning.warn({ task: name, reason: describeFailure(error) });
    };
    return new Rounds({ pauseMs, work, onFailure });
  }
}
