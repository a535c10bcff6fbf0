import { ExclusiveWork, Forgetting } from '@flux/ledger';
import { createLog, Metrics } from '@flux/telemetry';
import {
  AuditServers,
  AuditWorld,
  connectGate,
  ENDED,
  gateConfig,
  waitUntil,
  type AuditWorldOptions,
  type GateClients,
} from '@flux/testing';
import { ForgettingMaintenance } from '../src/maintenance/forgetting-maintenance.service';
import { MAINTENANCE_ROUNDS, type MaintenanceRound } from '../src/maintenance/maintenance-round';
import { AdminWorld } from './admin.world';

jest.setTimeout(60_000);

let servers: AuditServers;
let clients: GateClients;
beforeAll(async () => {
  servers = await AuditServers.start();
  clients = await connectGate(gateConfig(servers.env['REDIS_URL'] ?? ''));
});
afterAll(async () => {
  clients.connection.close();
  await servers.stop();
});

function newMaintenance(metrics = new Metrics('admin')): ForgettingMaintenance {
  const { database } = servers;
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'admin');
  const forgetting = new Forgetting(database, clients.gate);
  return new ForgettingMaintenance(database, new ExclusiveWork(database), forgetting, log, metrics);
}

/** A sale with a retention of a day that closed so many hours ago. */
async function sale(closedHoursAgo: number, options: AuditWorldOptions = {}): Promise<AuditWorld> {
  const world = new AuditWorld(servers, { plans: ENDED, state: 'closed', ...options });
  await world.build();
  await servers.sql(
    `UPDATE sales SET retention_ms = 86400000, closed_at = now() - $2 * interval '1 hour' WHERE id = $1`,
    ...[world.saleId, closedHoursAgo],
  );
  return world;
}

async function isForgotten({ saleId }: AuditWorld): Promise<boolean> {
  const [row]: { readonly forgotten: boolean; readonly named: number }[] = await servers.database.query(
    `SELECT forgotten_at IS NOT NULL AS forgotten,
            (SELECT count(*)::int FROM orders WHERE sale_id = sales.id AND shopper_id NOT LIKE 'forgotten-%') AS named
     FROM sales WHERE id = $1`,
    [saleId],
  );
  if (row?.forgotten === true) expect(row.named).toBe(0);
  return row?.forgotten === true;
}

async function overdue(metrics: Metrics): Promise<string | undefined> {
  return /^flux_\w*sales_retention_overdue\S* (\d+)$/m.exec((await metrics.render()).text)?.[1];
}

test('a round forgets the sales whose time is over; one that still has something open holds up no other', async () => {
  const metrics = new Metrics('admin');
  const maintenance = newMaintenance(metrics);
  const busy = await sale(48);
  await servers.sql("UPDATE parked_messages SET state = 'parked' WHERE sale_id = $1", busy.saleId);
  const [over, young] = [await sale(25), await sale(23)];
  expect(await overdue(metrics)).toBe('2');

  await maintenance.forgetDue();
  expect(await Promise.all([busy, over, young].map(isForgotten))).toEqual([false, true, false]);
  expect(await overdue(metrics)).toBe('1');
  const log: unknown = await servers.database.query('SELECT actor, action, subject, after FROM audit_log');
  const entry = { actor: 'system', action: 'sale.forget', subject: over.saleId };
  expect(log).toEqual([{ ...entry, after: { shoppers: 8, orders: 9 } }]);

  await servers.sql("UPDATE parked_messages SET state = 'discarded' WHERE sale_id = $1", busy.saleId);
  await maintenance.forgetDue();
  expect(await isForgotten(busy)).toBe(true);
});

test('a sale that fails is reported, and the others are forgotten all the same', async () => {
  const [broken, sound] = [await sale(30), await sale(29)];
  await servers.redis.set(broken.keys.shoppers, 'not a hash');
  await expect(newMaintenance().forgetDue()).rejects.toThrow();
  expect(await Promise.all([broken, sound].map(isForgotten))).toEqual([false, true]);
  await servers.sql('UPDATE sales SET retention_ms = NULL WHERE id = $1', broken.saleId);
});

test('one process at a time does it', async () => {
  const due = await sale(25);
  const holder = servers.database.createQueryRunner();
  await holder.startTransaction();
  await holder.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [due.saleId]);
  const first = newMaintenance().forgetDue();
  await waitUntil('the first one waits for the ledger', async () => {
    const locks: unknown[] = await servers.database.query('SELECT FROM pg_locks WHERE NOT granted');
    return locks.length > 0 ? true : undefined;
  });
  await newMaintenance().forgetDue();
  expect(await isForgotten(due)).toBe(false);
  await holder.rollbackTransaction();
  await holder.release();
  await first;
  expect(await isForgotten(due)).toBe(true);
});

test('the admin process has it among its rounds', async () => {
  const world = await AdminWorld.start();
  try {
    const rounds = world.app.get<readonly MaintenanceRound[]>(MAINTENANCE_ROUNDS);
    await rounds.find(({ task }) => task === 'forgetting')?.work();
    expect(rounds.map(({ task }) => task)).toContain('forgetting');
  } finally {
    await world.stop();
  }
});
