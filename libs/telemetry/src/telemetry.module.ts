import { Module, type DynamicModule } from '@nestjs/common';
import { Health } from './health';
import { LOG, type Log } from './log';
import { Metrics } from './metrics';

/** What a process reports by: made before its Nest app, so that a failed start is reported too. */
export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
}

/** Gives `@Inject(LOG) log: Log`, `Metrics` and `Health` to every module of an app. */
@Module({})
export class TelemetryModule {
  static forRoot({ log, metrics, health }: Telemetry): DynamicModule {
    const providers = [
      { provide: LOG, useValue: log },
      { provide: Metrics, useValue: metrics },
      { provide: Health, useValue: health },
    ];
    return { module: TelemetryModule, global: true, providers, exports: providers };
  }
}
