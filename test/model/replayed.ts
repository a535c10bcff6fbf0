import type { LedgerEvent } from '@flux/contracts';
import { asPublished, createDatabase, replayableRows, replayInto, type TestDatabase } from '@flux/testing';
import type { RealSale } from './real-sale';

/** A database that is written anew from the ledger's events of one sale after the other. */
export class ReplayedDatabase {
  private constructor(private readonly database: TestDatabase) {}

  static async start(): Promise<ReplayedDatabase> {
    return new ReplayedDatabase(await createDatabase());
  }

  /** The sale's events, once more repeated as by a publisher that died, must make all of its rows, and no other. */
  async expectEqual(real: RealSale, events: readonly LedgerEvent[]): Promise<void> {
    const { dataSource } = this.database;
    await dataSource.query('TRUNCATE sales, items, ledger, orders, payments, refunds, stock_changes CASCADE');
    const ofSale = events.filter(({ saleId }) => saleId === real.item.saleId).map(asPublished);
    const half = Math.ceil(ofSale.length / 2);
    await replayInto(dataSource, ofSale.slice(0, half));
    const { stopped } = await replayInto(dataSource, [
      ...ofSale.slice(0, half).slice(-3),
      ...ofSale.slice(half),
    ]);
    expect(stopped).toEqual([]);
    expect(await rowsOf(dataSource, real)).toEqual(await rowsOf(real.processes.dataSource, real));
  }

  async stop(): Promise<void> {
    await this.database.drop();
  }
}

/** Without the end of a hold, which the model moves by hand so that it runs out. */
async function rowsOf(dataSource: TestDatabase['dataSource'], { item }: RealSale): Promise<unknown> {
  const tables = Object.entries(await replayableRows(dataSource));
  return tables.map(([table, rows]) => [
    table,
    rows
      .filter((row) => row.includes(item.saleId))
      .map((row) => {
        const columns = JSON.parse(row) as Record<string, unknown>;
        return table === 'orders' ? { ...columns, hold_until: undefined } : columns;
      }),
  ]);
}
