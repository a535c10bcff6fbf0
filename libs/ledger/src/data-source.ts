import { DataSource, type DataSourceOptions, type Logger } from 'typeorm';
import { AccessRuleEntity } from './entities/access-rule.entity';
import { ApiKeyEntity } from './entities/api-key.entity';
import { AuditLogEntity } from './entities/audit-log.entity';
import { ConcentrationEntity } from './entities/concentration.entity';
import { DrawEntity } from './entities/draw.entity';
import { GateRepairEntity } from './entities/gate-repair.entity';
import { ItemEntity } from './entities/item.entity';
import { LedgerEntity } from './entities/ledger.entity';
import { OrderEventEntity } from './entities/order-event.entity';
import { OrderEntity } from './entities/order.entity';
import { ParkedMessageEntity } from './entities/parked-message.entity';
import { PaymentEntity } from './entities/payment.entity';
import { ProviderEventEntity } from './entities/provider-event.entity';
import { RebuildEntity } from './entities/rebuild.entity';
import { RefundEntity } from './entities/refund.entity';
import { SaleEntity } from './entities/sale.entity';
import { ServiceRequestEntity } from './entities/service-request.entity';
import { StockChangeEntity } from './entities/stock-change.entity';
import { WebhookDeliveryEntity, WebhookEndpointEntity } from './entities/webhook.entity';
import { Sales1763800000001 } from './migrations/0001-sales';
import { Ledger1763800000002 } from './migrations/0002-ledger';
import { Operators1763800000003 } from './migrations/0003-operators';
import { Life1763800000004 } from './migrations/0004-life';
import { OrderEventRuns1763800000005 } from './migrations/0005-order-event-runs';
import { Rebuilds1763800000006 } from './migrations/0006-rebuilds';
import { LedgerEvents1763800000007 } from './migrations/0007-ledger-events';
import { GateRepairs1763800000008 } from './migrations/0008-gate-repairs';
import { WaitingRoom1763800000009 } from './migrations/0009-waiting-room';
import { Admission1763800000010 } from './migrations/0010-admission';
import { Shields1763800000011 } from './migrations/0011-shields';
import { databaseAddressOf } from './database-tls';
import type { DatabaseConfig } from './settings';

export const LEDGER_ENTITIES = [
  SaleEntity,
  DrawEntity,
  ItemEntity,
  LedgerEntity,
  OrderEntity,
  ParkedMessageEntity,
  StockChangeEntity,
  AuditLogEntity,
  OrderEventEntity,
  PaymentEntity,
  RefundEntity,
  ProviderEventEntity,
  ServiceRequestEntity,
  WebhookEndpointEntity,
  WebhookDeliveryEntity,
  GateRepairEntity,
  RebuildEntity,
  AccessRuleEntity,
  ApiKeyEntity,
  ConcentrationEntity,
];

const MIGRATIONS = [
  Sales1763800000001,
  Ledger1763800000002,
  Operators1763800000003,
  Life1763800000004,
  OrderEventRuns1763800000005,
  Rebuilds1763800000006,
  LedgerEvents1763800000007,
  GateRepairs1763800000008,
  WaitingRoom1763800000009,
  Admission1763800000010,
  Shields1763800000011,
];

/** The client gives up this much later than the server should have: a frozen server must not hold a process. */
const CLIENT_GRACE_MS = 2_000;

export interface DataSourceDescription {
  readonly config: Omit<DatabaseConfig, `FLUX_WAIVE_${string}`>;
  /** Shown in `pg_stat_activity`: `flux-orders`. */
  readonly applicationName: string;
  /** Sees every statement; for tests and for looking closely. */
  readonly logger?: Logger;
}

/** Every connection carries the time limits of the configuration, whatever the server's defaults are. */
export function dataSourceOptions({
  config,
  applicationName,
  logger,
}: DataSourceDescription): DataSourceOptions {
  return {
    type: 'postgres',
    ...databaseAddressOf(config),
    applicationName,
    poolSize: config.FLUX_DATABASE_POOL_SIZE,
    connectTimeoutMS: 5_000,
    entities: LEDGER_ENTITIES,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    // Needed by no column here; the extension would ask for a superuser.
    installExtensions: false,
    ...(logger === undefined ? {} : { logging: true as const, logger }),
    extra: {
      lock_timeout: config.FLUX_DATABASE_LOCK_TIMEOUT_MS,
      statement_timeout: config.FLUX_DATABASE_STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: config.FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS,
      query_timeout: config.FLUX_DATABASE_STATEMENT_TIMEOUT_MS + CLIENT_GRACE_MS,
      keepAlive: true,
      // The batch reads what others committed while it waited for the lock.
      options: String.raw`-c default_transaction_isolation=read\ committed`,
    },
  };
}

/** A data source that is not connected yet. */
export function createDataSource(description: DataSourceDescription): DataSource {
  return new DataSource(dataSourceOptions(description));
}
