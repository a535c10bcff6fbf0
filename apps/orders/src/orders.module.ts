import { GateModule } from '@flux/gate';
import { ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import {
  BatchStrategy,
  consumerObserver,
  createKafka,
  ensureTopics,
  KafkaModule,
  prefixed,
  type KafkaLog,
} from '@flux/kafka';
import { LedgerModule } from '@flux/ledger';
import { TelemetryModule, type Log, type ProcessContext } from '@flux/telemetry';
import { Module, type DynamicModule } from '@nestjs/common';
import { LostSendsService } from './lost-sends.service';
import { OrdersAcceptedHandler } from './orders-accepted.handler';
import type { OrdersConfig } from './orders.config';
import { OrdersMetrics } from './orders.metrics';
import { ParkingService } from './parking.service';
import { RewindCheckService } from './rewind-check.service';
import { SettleService } from './settle.service';
import { SWEEPER_OPTIONS, SweeperService } from './sweeper.service';

export interface OrdersOptions extends ProcessContext<OrdersConfig> {
  /** The consumer has ended for good: the process must exit. */
  readonly onFatal: (error: unknown) => void;
}

/** Kafka to PostgreSQL, and the gate is told: the handler, where poison goes, and the sweeper. */
@Module({})
export class OrdersModule {
  static forRoot(options: OrdersOptions): DynamicModule {
    const { config, log } = options;
    return {
      module: OrdersModule,
      imports: [
        TelemetryModule.forRoot(options),
        GateModule.forRoot(config),
        KafkaModule.forRoot({ settings: config, clientId: 'flux-orders', log: kafkaLog(log) }),
        LedgerModule.forRoot({ config, applicationName: 'flux-orders' }),
      ],
      controllers: [OrdersAcceptedHandler],
      providers: [
        OrdersMetrics,
        SettleService,
        ParkingService,
        LostSendsService,
        RewindCheckService,
        {
          provide: SWEEPER_OPTIONS,
          useValue: { intervalMs: config.FLUX_SWEEP_INTERVAL_MS, ageMs: config.FLUX_SWEEP_AGE_MS },
        },
        SweeperService,
        {
          provide: BatchStrategy,
          inject: [ParkingService, OrdersMetrics],
          useFactory: (parking: ParkingService, metrics: OrdersMetrics) =>
            createStrategy(options, parking, metrics),
        },
      ],
    };
  }
}

function createStrategy(
  { config, log, onFatal }: OrdersOptions,
  parking: ParkingService,
  metrics: OrdersMetrics,
): BatchStrategy {
  const kafka = createKafka({ settings: config, clientId: 'flux-orders-consumer', log: kafkaLog(log) });
  return new BatchStrategy({
    kafka,
    settings: config,
    groupId: prefixed(config, ORDERS_CONSUMER_GROUP),
    parking,
    onFatal,
    prepare: (signal) =>
      ensureTopics({ kafka, settings: config, topics: [ORDERS_ACCEPTED_TOPIC], log: kafkaLog(log), signal }),
    observer: consumerObserver(metrics.consumer),
    log: kafkaLog(log),
  });
}

function kafkaLog(log: Log): KafkaLog {
  return (level, message, fields) => {
    log[level](fields ?? {}, message);
  };
}
