import { GateModule } from '@flux/gate';
import { KafkaModule } from '@flux/kafka';
import { TelemetryModule } from '@flux/telemetry';
import { Module, type DynamicModule } from '@nestjs/common';
import { LanesService } from './lanes.service';
import { RelayMetrics } from './relay.metrics';
import { RELAY_OPTIONS, type RelayOptions } from './relay.options';

/** Outbox to Kafka, and nothing else. */
@Module({})
export class RelayModule {
  static forRoot(options: RelayOptions): DynamicModule {
    const { config, log } = options;
    return {
      module: RelayModule,
      imports: [
        TelemetryModule.forRoot(options),
        GateModule.forRoot(config),
        KafkaModule.forRoot({
          settings: config,
          clientId: 'flux-relay',
          log: (level, message, fields) => {
            log[level](fields ?? {}, message);
          },
        }),
      ],
      providers: [{ provide: RELAY_OPTIONS, useValue: options }, RelayMetrics, LanesService],
    };
  }
}
