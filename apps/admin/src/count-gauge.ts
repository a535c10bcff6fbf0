import type { Metrics } from '@flux/telemetry';
import type { DataSource } from 'typeorm';

interface CountGauge {
  readonly name: string;
  readonly help: string;
  /** Answers one row with a `count`. */
  readonly sql: string;
}

/** A gauge that is counted at each scrape, and keeps its last value while PostgreSQL does not answer. */
export function countGauge(metrics: Metrics, dataSource: DataSource, { name, help, sql }: CountGauge): void {
  metrics.gauge({
    name,
    help,
    collect: async (gauge) => {
      if (!dataSource.isInitialized) return;
      const rows = await dataSource.query<{ readonly count: number }[]>(sql).catch(() => []);
      const [row] = rows;
      if (row !== undefined) gauge.set(row.count);
    },
  });
}
