import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { History } from './clients/history';
import type { RunReport } from './report';
import type { Installation } from './world/installation';

/** Writes down what is needed to understand a violation: report, every call, and what every process said. @returns where */
export async function keepEvidence(
  world: Installation,
  history: History,
  report: RunReport,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `flux-invariants-${report.seed}-`));
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, null, 2));
  const { purchases, looks, cancels, payments } = history;
  for (const [name, calls] of Object.entries({ purchases, looks, cancels, payments })) {
    await writeFile(join(folder, `${name}.ndjson`), calls.map((call) => JSON.stringify(call)).join('\n'));
  }
  for (const [index, seat] of world.allSeats.entries()) {
    await writeFile(join(folder, `${seat.name}-${index}.log`), seat.log);
  }
  const orders = await world.database.dataSource.query<unknown[]>('SELECT * FROM orders');
  await writeFile(join(folder, 'orders.ndjson'), orders.map((row) => JSON.stringify(row)).join('\n'));
  return folder;
}
