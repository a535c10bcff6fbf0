import { GateModule } from '@flux/gate';
import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import {
  BatchStrategy,
  consumerObserver,
  createKafka,
  ensureTopics,
  KafkaModule,
  prefixed,
  type KafkaLog,
} from '@flux/kafka';
import { LedgerModule, OrderLifeModule } from '@flux/ledger';
import { TelemetryModule, type Log, type ProcessContext } from '@flux/telemetry';
import { Module, type DynamicModule } from '@nestjs/common';
import { ConfirmationDelay } from './confirmation-delay';
import { EXPIRY_OPTIONS } from './expiry/expiry.options';
import { ExpiryService } from './expiry/expiry.service';
import { UntoldService } from './expiry/untold.service';
import { LostSendsService } from './lost-sends.service';
import {
  ORDER_STATUS_OPTIONS,
  type OrderStatusOptions,
  OrderStatusPublisher,
} from './order-status/order-status-publisher.service';
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

/**
 * Kafka to PostgreSQL, and the gate is told: the handler, where poison goes, and the sweeper. Then the life of orders
 * after their confirmation: holds that run out, and events for the shop.
 */
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
        OrderLifeModule,
      ],
      controllers: [OrdersAcceptedHandler],
      providers: [
        OrdersMetrics,
        { provide: ConfirmationDelay, useFactory: () => new ConfirmationDelay() },
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
          provide: EXPIRY_OPTIONS,
          useValue: { intervalMs: config.FLUX_EXPIRY_INTERVAL_MS, batch: config.FLUX_EXPIRY_BATCH },
        },
        ExpiryService,
        UntoldService,
        {
          provide: ORDER_STATUS_OPTIONS,
          inject: [ConfirmationDelay],
          useFactory: (confirmations: ConfirmationDelay): OrderStatusOptions => ({
            topic: prefixed(config, ORDER_STATUS_TOPIC),
            ledgerTopic: prefixed(config, LEDGER_EVENTS_TOPIC),
            intervalMs: config.FLUX_EVENTS_INTERVAL_MS,
            isLate: () => confirmations.isLate,
          }),
        },
        OrderStatusPublisher,
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
      ensureTopics({
        kafka,
        settings: config,
        topics: [ORDERS_ACCEPTED_TOPIC, ORDER_STATUS_TOPIC, LEDGER_EVENTS_TOPIC],
        keptForEver: [LEDGER_EVENTS_TOPIC],
        log: kafkaLog(log),
        signal,
      }),
    observer: consumerObserver(metrics.consumer),
    log: kafkaLog(log),
  });
}

function kafkaLog(log: Log): KafkaLog {
  return (level, message, fields) => {
    log[level](fields ?? {}, message);
  };
}
