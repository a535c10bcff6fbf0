import { createLog, Metrics } from '@flux/telemetry';
import type { Alarm } from './alarm';
import { DriftReports } from './drift-reports';
import { DriftMetrics } from './drift.metrics';

it('says once that something is wrong, and once that it is over', () => {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  const log = createLog({ FLUX_LOG_LEVEL: 'info' }, 'admin', { write });
  const reports = new DriftReports(new DriftMetrics(new Metrics('admin')), log);
  const item = { saleId: 'drop', productId: 'shoe' };
  const alarm: Alarm = { kind: 'deficit', item, detail: '2 units too few' };
  for (const alarms of [[], [alarm], [{ ...alarm, detail: '3 units too few' }], [], [], [alarm]]) {
    reports.publish({ surplus: 0, deficit: 0, alarms });
  }
  const said = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(said.map(({ level, saleId, productId, kind }) => [level, saleId, productId, kind])).toEqual([
    ['error', 'drop', 'shoe', 'deficit'],
    ['info', 'drop', 'shoe', 'deficit'],
    ['error', 'drop', 'shoe', 'deficit'],
  ]);
  expect(said[0]).toMatchObject({ detail: '2 units too few' });
});
