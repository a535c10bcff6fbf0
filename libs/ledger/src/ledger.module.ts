import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { BatchTransaction } from './batch-transaction';
import { dataSourceOptions, type DataSourceDescription } from './data-source';
import { ExclusiveWork } from './exclusive-work';
import { LedgerConnection } from './ledger-connection';
import { LedgerReader } from './ledger-reader';
import { Parking } from './parking';
import { RebuildLedger } from './rebuild-ledger';
import { Rebuilds } from './rebuilds';
import type { DatabaseConfig } from './settings';
import { Suspensions } from './suspensions';

/**
 * The ledger for a Nest app: TypeORM's `DataSource`, and the services that read and change it. Nest does not wait for
 * PostgreSQL: `LedgerConnection.ready` does, so that the process can answer health checks meanwhile. Connections close
 * in `onApplicationShutdown`, after Nest has stopped the app's servers.
 */
@Module({})
export class LedgerModule {
  static forRoot(description: DataSourceDescription & { readonly config: DatabaseConfig }): DynamicModule {
    const services = [
      BatchTransaction,
      Parking,
      LedgerReader,
      Suspensions,
      ExclusiveWork,
      Rebuilds,
      RebuildLedger,
    ];
    return {
      module: LedgerModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSourceOptions(description), manualInitialization: true })],
      providers: [
        ...services,
        {
          provide: LedgerConnection,
          useFactory: (dataSource: DataSource) => new LedgerConnection(dataSource, description.config),
          inject: [DataSource],
        },
      ],
      exports: [...services, LedgerConnection],
    };
  }
}
