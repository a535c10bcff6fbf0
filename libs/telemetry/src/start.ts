import { ConfigError, loadConfig } from '@flux/config';
import type { z } from 'zod';
import { Health } from './health';
import { createLog, type Log } from './log';
import { startManagement } from './management';
import { Metrics } from './metrics';
import type { TelemetryConfig, telemetrySettings } from './settings';
import { shutDownOnSignal, type ShutdownStep } from './shutdown';
import type { Telemetry } from './telemetry.module';

/** Longest orderly shutdown; supervisors usually kill after 30 s. */
const SHUTDOWN_TIMEOUT_MS = 15_000;

export interface ProcessContext<Config> extends Telemetry {
  readonly config: Config;
}

/** Everything a process reads from its environment; telemetrySettings are part of it. */
type SettingsShape = typeof telemetrySettings.shape & z.ZodRawShape;
type ConfigOf<Shape extends SettingsShape> = z.output<z.ZodObject<Shape>>;

interface ProcessDescription<Shape extends SettingsShape> {
  readonly name: string;
  readonly settings: z.ZodObject<Shape>;
  /** Where /metrics and /health listen; without it the process serves them itself. */
  readonly managementPort?: (config: ConfigOf<Shape>) => number;
  /** Starts the process; answers what to stop at a signal, in this order. */
  readonly run: (
    context: ProcessContext<ConfigOf<Shape>>,
  ) => readonly ShutdownStep[] | Promise<readonly ShutdownStep[]>;
}

/**
 * The frame of every `main.ts`: reads the configuration, prints every problem by the variable's name and exits with
 * 1; else opens the management port, runs the process, and stops it in order at SIGTERM or SIGINT. A failed start,
 * an unhandled rejection and an uncaught exception are logged and exit with 1: a supervisor starts afresh.
 */
export async function startProcess<Shape extends SettingsShape>(
  description: ProcessDescription<Shape>,
): Promise<void> {
  const config = configOrExit(description.settings);
  // SettingsShape has these; the compiler does not resolve the output of a generic shape.
  const common = config as unknown as TelemetryConfig;
  const log = createLog(common, description.name);
  exitOnBreakage(log);
  const telemetry = { log, metrics: new Metrics(description.name), health: new Health() };
  try {
    const managementPort = description.managementPort?.(config);
    const closeManagement =
      managementPort === undefined
        ? undefined
        : await startManagement(telemetry, { host: common.FLUX_MANAGEMENT_HOST, port: managementPort });
    const steps = await description.run({ ...telemetry, config });
    shutDownOnSignal({
      log,
      steps: [
        {
          name: 'readiness',
          stop: () => {
            telemetry.health.drain();
          },
        },
        ...steps,
        ...(closeManagement === undefined ? [] : [{ name: 'management port', stop: closeManagement }]),
      ],
      timeoutMs: SHUTDOWN_TIMEOUT_MS,
      exit: (code) => process.exit(code),
    });
    log.info('started');
  } catch (error) {
    log.fatal({ err: error }, 'failed to start');
    process.exit(1);
  }
}

function configOrExit<Shape extends SettingsShape>(settings: z.ZodObject<Shape>): ConfigOf<Shape> {
  try {
    return loadConfig(settings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function exitOnBreakage(log: Log): void {
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: reason }, 'unhandled rejection');
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
}
