import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from './log';
import type { TelemetryConfig } from './settings';

/** One thing to stop. The steps run in the order of their list. */
export interface ShutdownStep {
  readonly name: string;
  readonly stop: () => unknown;
}

/**
 * The first step of a process that answers requests: it goes on for `FLUX_SHUTDOWN_GRACE_MS`, not ready any more, so that
 * load balancers send nobody else here before its listener closes.
 */
export function graceStep({
  FLUX_SHUTDOWN_GRACE_MS,
}: Pick<TelemetryConfig, 'FLUX_SHUTDOWN_GRACE_MS'>): ShutdownStep {
  return { name: 'grace', stop: () => pause(FLUX_SHUTDOWN_GRACE_MS) };
}

interface ShutdownPlan {
  readonly log: Log;
  readonly steps: readonly ShutdownStep[];
  /** Longest time for all steps together. */
  readonly timeoutMs: number;
  readonly exit: (code: number) => void;
}

/**
 * Runs the steps in order, once. A step that fails is logged, and the next one runs. Exits with 0 when all have
 * stopped, and with 1 when one failed or the time ran out.
 */
export async function shutDown({ log, steps, timeoutMs, exit }: ShutdownPlan): Promise<void> {
  const timer = setTimeout(() => {
    log.error({ timeoutMs }, 'shutdown took too long');
    exit(1);
  }, timeoutMs);
  let code = 0;
  for (const { name, stop } of steps) {
    try {
      await stop();
      log.debug({ step: name }, 'stopped');
    } catch (error) {
      log.error({ step: name, err: error }, 'failed to stop');
      code = 1;
    }
  }
  clearTimeout(timer);
  log.info('stopped');
  exit(code);
}

/** SIGTERM or SIGINT begins the shutdown; a second signal ends the process at once. */
export function shutDownOnSignal(plan: ShutdownPlan, signals: NodeJS.EventEmitter = process): void {
  let begun = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (begun) {
      plan.log.warn({ signal }, 'second signal: exits at once');
      plan.exit(1);
      return;
    }
    begun = true;
    plan.log.info({ signal }, 'shuts down');
    void shutDown(plan);
  };
  signals.on('SIGTERM', onSignal);
  signals.on('SIGINT', onSignal);
}
