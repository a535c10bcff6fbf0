import { GateModule } from '@flux/gate';
import { KafkaModule } from '@flux/kafka';
import { LedgerModule } from '@flux/ledger';
import { HealthModule, MetricsModule, type Telemetry, TelemetryModule } from '@flux/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { AdminConfig } from './admin-settings';
import { AuditLogController } from './audit-log/audit-log.controller';
import { AuditController } from './audit/audit.controller';
import { SaleAuditor } from './audit/sale-auditor';
import { DependencyFailureInterceptor } from './dependency-failure.interceptor';
import { GateDriver } from './gate-driver/gate-driver.service';
import { OpeningChecks } from './gate-driver/opening-checks';
import { SalePublisher } from './gate-driver/sale-publisher';
import { ConsumerProgress } from './maintenance/consumer-progress';
import { MaintenanceLoop } from './maintenance/maintenance.loop';
import { MaintenanceMetrics } from './maintenance/maintenance.metrics';
import { MaintenanceService } from './maintenance/maintenance.service';
import { SaleRetirement } from './maintenance/sale-retirement.service';
import { OPERATOR_KEYS } from './operators/operator.guard';
import { ParkedController } from './parked/parked.controller';
import { SaleStateService } from './sales/sale-state.service';
import { SaleView } from './sales/sale-view';
import { SalesController } from './sales/sales.controller';
import { SalesService } from './sales/sales.service';
import { StockChangeCompletion } from './stock/stock-change-completion';
import { StockChangeStart } from './stock/stock-change-start';
import { StockController } from './stock/stock.controller';
import { StockService } from './stock/stock.service';

/** The admin process: the operator API, and the maintenance of sales. */
@Module({
  imports: [HealthModule, MetricsModule],
  controllers: [SalesController, StockController, AuditController, ParkedController, AuditLogController],
  providers: [
    { provide: APP_INTERCEPTOR, useClass: DependencyFailureInterceptor },
    SalesService,
    SaleStateService,
    SaleView,
    OpeningChecks,
    GateDriver,
    SalePublisher,
    StockService,
    StockChangeStart,
    StockChangeCompletion,
    SaleAuditor,
    MaintenanceLoop,
    MaintenanceService,
    MaintenanceMetrics,
    SaleRetirement,
    ConsumerProgress,
  ],
})
export class AdminModule {
  static forRoot(config: AdminConfig, telemetry: Telemetry): DynamicModule {
    const { log } = telemetry;
    return {
      module: AdminModule,
      imports: [
        TelemetryModule.forRoot(telemetry),
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
      providers: [{ provide: OPERATOR_KEYS, useValue: config.FLUX_OPERATOR_KEYS }],
    };
  }
}
