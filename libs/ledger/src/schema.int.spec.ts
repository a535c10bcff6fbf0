import { createDatabase, TcpProxy, waitUntil, type TestDatabase } from '@flux/testing';
import type { OrderStatusEvent } from '@flux/contracts';
import { createDataSource } from './data-source';
import { OrderEventEntity } from './entities/order-event.entity';
import { LedgerConnection } from './ledger-connection';
import { migrate, missingMigrations } from './migrate';
import { eventsOfRuns } from './order-events';
import type { StoredRun } from './stored-runs';
import { checkServerSettings, UnsafeDatabaseError } from './server-settings';

describe('the schema', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase({ migrated: false });
  });
  afterEach(() => database.drop());

  it('is what the entities say: TypeORM finds nothing to change', async () => {
    await migrate(database.dataSource);
    const { upQueries } = await database.dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('is migrated once when several processes start at once', async () => {
    const all = database.dataSource.migrations.length;
    expect(await missingMigrations(database.dataSource)).toHaveLength(all);
    const processes = await Promise.all([database.connect(), database.connect(), database.connect()]);
    const ran = await Promise.all(processes.map(migrate));
    expect(ran.flat()).toHaveLength(all);
    expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await missingMigrations(database.dataSource)).toEqual([]);
  });

  it('can be taken back', async () => {
    await migrate(database.dataSource);
    const all = database.dataSource.migrations.length;
    for (let index = 0; index < all; index += 1) await database.dataSource.undoLastMigration();
    expect(await missingMigrations(database.dataSource)).toHaveLength(all);
  });

  it('keeps the events that are queued, there and back', async () => {
    const { dataSource } = database;
    await migrate(dataSource);
    const runs: StoredRun[] = [
      ['confirmed', 5, 9, null, null, 'a ann 2 fingerprint 3\nb bob 2', ['new', 1, 1]],
      ['rejected', 5, null, null, null, 'c cat 2 fingerprint 3', ['new', 1, 3]],
    ];
    const insert = `INSERT INTO order_events (sale_id, product_id, events) VALUES ('sale', 'product', $1)`;
    await dataSource.query(insert, [JSON.stringify(runs)]);
    const queued = async (): Promise<OrderStatusEvent[]> => {
      const rows = await dataSource.getRepository(OrderEventEntity).find();
      return rows.flatMap((row) => eventsOfRuns(row, row.events));
    };
    const events = await queued();
    expect(events.map(({ orderId, shopperId }) => `${orderId} ${shopperId}`)).toEqual([
      'sale.product.a ann',
      'sale.product.b bob',
      'sale.product.c cat',
    ]);

    while (!(await missingMigrations(dataSource)).includes('OrderEventRuns1763800000005')) {
      await dataSource.undoLastMigration();
    }
    expect(await dataSource.query('SELECT events FROM order_events')).toEqual([
      {
        events: [
          ['sale.product.a', 'ann', 2, 'confirmed', 5, 9, null, null],
          ['sale.product.b', 'bob', 2, 'confirmed', 5, 9, null, null],
          ['sale.product.c', 'cat', 2, 'rejected', 5, null, null, null],
        ],
      },
    ]);
    await migrate(dataSource);
    expect(await queued()).toEqual(events);
  });

  it('is waited for, as is a server that is not there yet', async () => {
    const url = new URL(database.config.DATABASE_URL);
    const proxy = await TcpProxy.start({ host: url.hostname, port: Number(url.port) });
    proxy.set('cut');
    url.host = `127.0.0.1:${proxy.port}`;
    const config = { ...database.config, DATABASE_URL: url.href };
    const dataSource = createDataSource({ config, applicationName: 'flux-test' });
    const connection = new LedgerConnection(dataSource, config);
    const failures: string[] = [];
    const ready = connection.ready((error) => failures.push(String(error)));

    await waitUntil('an attempt fails', () => failures.length > 0);
    expect(await connection.answers()).toBe(false);
    proxy.set('pass');
    await waitUntil('the schema is missed', () => failures.some((text) => text.includes('npm run migrate')));
    await migrate(database.dataSource);
    await ready;
    expect(await connection.answers()).toBe(true);

    await dataSource.destroy();
    await proxy.stop();
  });

  it('is refused on a server that forgets commits, unless that is waived by name', async () => {
    const [name] = new URL(database.config.DATABASE_URL).pathname.split('/').slice(1);
    await database.dataSource.query(`ALTER DATABASE ${String(name)} SET synchronous_commit = off`);
    const unsafe = await database.connect();
    const { config } = database;
    await expect(checkServerSettings(unsafe, config)).rejects.toThrow(UnsafeDatabaseError);
    await expect(checkServerSettings(unsafe, config)).rejects.toThrow(
      'FLUX_WAIVE_DATABASE_SYNCHRONOUS_COMMIT',
    );
    await checkServerSettings(unsafe, { ...config, FLUX_WAIVE_DATABASE_SYNCHRONOUS_COMMIT: true });
    await expect(new LedgerConnection(unsafe, config).ready(() => undefined)).rejects.toThrow(
      UnsafeDatabaseError,
    );
  });
});

describe('every connection', () => {
  it('carries the time limits of the configuration', async () => {
    const database = await createDatabase();
    const limited = await database.connect({
      config: {
        FLUX_DATABASE_LOCK_TIMEOUT_MS: 1_234,
        FLUX_DATABASE_STATEMENT_TIMEOUT_MS: 4_321,
        FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: 2_345,
      },
    });
    const [row]: Record<string, string>[] = await limited.query(`
      SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
             current_setting('idle_in_transaction_session_timeout') AS idle,
             current_setting('application_name') AS name,
             current_setting('default_transaction_isolation') AS isolation`);
    expect(row).toEqual({
      lock: '1234ms',
      statement: '4321ms',
      idle: '2345ms',
      name: 'flux-test',
      isolation: 'read committed',
    });
    await database.drop();
  });
});
