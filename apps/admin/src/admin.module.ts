import { GateModule, RedisConnection } from '@flux/gate';
import { KafkaModule } from '@flux/kafka';
import { Forgetting, LedgerModule, OrderLifeModule } from '@flux/ledger';
import { HealthModule, MetricsModule, type Telemetry, TelemetryModule } from '@flux/telemetry';
import { RoomClient } from '@flux/waiting-room';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ACCESS_CONTROLLERS, ACCESS_PROVIDERS } from './access/access-parts';
import { AccessPublisher } from './access/access-publisher';
import type { AdminConfig } from './admin-settings';
import { AuditLogController } from './audit-log/audit-log.controller';
import { AuditController } from './audit/audit.controller';
import { SaleAuditor } from './audit/sale-auditor';
import { CONCENTRATION_CONTROLLERS, concentrationProviders } from './concentration/concentration-parts';
import { ConcentrationWatch } from './concentration/concentration-watch.service';
import { DependencyFailureInterceptor } from './dependency-failure.interceptor';
import { DrawMaintenance } from './draw/draw-maintenance.service';
import { DrawSteps } from './draw/draw-steps.service';
import { DrawnLists } from './draw/drawn-lists.service';
import { ExhaustedItems } from './exhaust/exhausted-items.service';
import { GateDriver } from './gate-driver/gate-driver.service';
import { OpeningChecks } from './gate-driver/opening-checks';
import { SalePublisher } from './gate-driver/sale-publisher';
import { KEY_CONTROLLERS, keyProviders } from './keys/key-parts';
import { ConsumerProgress } from './maintenance/consumer-progress';
import { ForgettingMaintenance } from './maintenance/forgetting-maintenance.service';
import { MAINTENANCE_ROUNDS, type MaintenanceRound } from './maintenance/maintenance-round';
import { MaintenanceLoop } from './maintenance/maintenance.loop';
import { MaintenanceMetrics } from './maintenance/maintenance.metrics';
import { MaintenanceService } from './maintenance/maintenance.service';
import { limitModules, limitProviders } from './limits/limit-parts';
import { SaleFiguresKeeper } from './maintenance/sale-figures-keeper';
import { SaleRetirement } from './maintenance/sale-retirement.service';
import { ParkedController } from './parked/parked.controller';
import { ParkedService } from './parked/parked.service';
import { PaymentMaintenance } from './payments/payment-maintenance.service';
import { paymentParts } from './payments/payment-parts';
import { CountersCheck } from './reconcile/counters-check';
import { DriftReports } from './reconcile/drift-reports';
import { DriftMetrics } from './reconcile/drift.metrics';
import { GateRepairs } from './reconcile/gate-repairs';
import { Reconciler } from './reconcile/reconciler.service';
import { Standings } from './reconcile/standings';
import { OutboxDrain } from './rebuild/outbox-drain.service';
import { GateComparison } from './rebuild/gate-comparison.service';
import { GateProof } from './rebuild/gate-proof.service';
import { KafkaTail } from './rebuild/kafka-tail.service';
import { RebuildMaintenance } from './rebuild/rebuild-maintenance.service';
import { RebuildOpening } from './rebuild/rebuild-opening.service';
import { RebuildRequests } from './rebuild/rebuild-requests';
import { RebuildSteps } from './rebuild/rebuild-steps.service';
import { RebuildController } from './rebuild/rebuild.controller';
import { RebuildMetrics } from './rebuild/rebuild.metrics';
import { Rebuilder } from './rebuild/rebuilder.service';
import { ReportController } from './report/report.controller';
import { SaleReporter } from './report/sale-reporter';
import { SaleStateService } from './sales/sale-state.service';
import { SaleView } from './sales/sale-view';
import { SalesController } from './sales/sales.controller';
import { SalesService } from './sales/sales.service';
import { GateOrders } from './shop/gate-orders';
import { OrderActionsController } from './shop/order-actions.controller';
import { OrderActions } from './shop/order-actions.service';
import { OrderDetails } from './shop/order-details';
import { OrderReader } from './shop/order-reader';
import { ShopOrdersController } from './shop/orders.controller';
import { RefundsController } from './shop/refunds.controller';
import { ServiceRequests } from './shop/service-requests';
import { StockChangeCompletion } from './stock/stock-change-completion';
import { StockChangeStart } from './stock/stock-change-start';
import { StockController } from './stock/stock.controller';
import { StockService } from './stock/stock.service';
import { RoomPublisher } from './waiting-room/room-publisher';
import { RoomView } from './waiting-room/room-view';
import { WaitingRoomController } from './waiting-room/waiting-room.controller';
import { WaitingRoomService } from './waiting-room/waiting-room.service';
import { WebhookMaintenance } from './webhooks/webhook-maintenance';
import { WEBHOOK_CONTROLLERS, webhookProviders } from './webhooks/webhook-parts';

/** The admin process: the operator API, the shop-service API, and the maintenance of sales. */
@Module({
  imports: [HealthModule, MetricsModule, OrderLifeModule],
  controllers: [
    SalesController,
    StockController,
    WaitingRoomController,
    RebuildController,
    AuditController,
    ReportController,
    ParkedController,
    AuditLogController,
    ShopOrdersController,
    OrderActionsController,
    RefundsController,
  ],
  providers: [
    { provide: APP_INTERCEPTOR, useClass: DependencyFailureInterceptor },
    ...ACCESS_PROVIDERS,
    SalesService,
    SaleStateService,
    SaleView,
    OpeningChecks,
    GateDriver,
    SalePublisher,
    RoomPublisher,
    RoomView,
    WaitingRoomService,
    DrawMaintenance,
    DrawSteps,
    DrawnLists,
    ExhaustedItems,
    StockService,
    StockChangeStart,
    StockChangeCompletion,
    Rebuilder,
    RebuildSteps,
    RebuildOpening,
    OutboxDrain,
    RebuildRequests,
    RebuildMaintenance,
    GateProof,
    KafkaTail,
    GateComparison,
    RebuildMetrics,
    SaleAuditor,
    SaleReporter,
    ParkedService,
    MaintenanceLoop,
    MaintenanceService,
    MaintenanceMetrics,
    SaleRetirement,
    SaleFiguresKeeper,
    ConsumerProgress,
    Forgetting,
    ForgettingMaintenance,
    Reconciler,
    GateRepairs,
    CountersCheck,
    Standings,
    DriftReports,
    DriftMetrics,
    OrderReader,
    OrderDetails,
    GateOrders,
    OrderActions,
    ServiceRequests,
  ],
})
export class AdminModule {
  static forRoot(config: AdminConfig, telemetry: Telemetry): DynamicModule {
    const { log } = telemetry;
    const payments = paymentParts(config);
    return {
      module: AdminModule,
      controllers: [
        ...payments.controllers,
        ...WEBHOOK_CONTROLLERS,
        ...KEY_CONTROLLERS,
        ...ACCESS_CONTROLLERS,
        ...CONCENTRATION_CONTROLLERS,
      ],
      imports: [
        TelemetryModule.forRoot(telemetry),
        ...limitModules(config),
        LedgerModule.forRoot({ config, applicationName: 'flux-admin' }),
        GateModule.forRoot(config),
        KafkaModule.forRoot({
          settings: config,
          clientId: 'flux-admin',
          log: (level, message, fields) => {
            log[level](fields ?? {}, message);
          },
        }),
      ],
      providers: [
        {
          provide: RoomClient,
          inject: [RedisConnection],
          useFactory: (redis: RedisConnection) => new RoomClient(redis),
        },
        ...limitProviders(config),
        ...keyProviders(config),
        ...concentrationProviders(config),
        ...payments.providers,
        ...webhookProviders(config),
        {
          provide: MAINTENANCE_ROUNDS,
          useFactory: (...parts: readonly { readonly rounds: readonly MaintenanceRound[] }[]) =>
            parts.flatMap(({ rounds }) => rounds),
          inject: [
            PaymentMaintenance,
            WebhookMaintenance,
            ForgettingMaintenance,
            ServiceRequests,
            Reconciler,
            RebuildMaintenance,
            GateProof,
            GateComparison,
            ExhaustedItems,
            DrawMaintenance,
            DrawnLists,
            AccessPublisher,
            ConcentrationWatch,
          ],
        },
      ],
    };
  }
}
