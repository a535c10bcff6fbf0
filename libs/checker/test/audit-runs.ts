import type { AuditLineName, AuditReport } from '../src/audit-report';
import { auditSale, type AuditOptions } from '../src/audit-sale';
import { AuditWorld, type AuditServers, type AuditWorldOptions } from '@flux/testing';

/** A sound sale of its own, at rest. */
export async function newWorld(servers: AuditServers, options: AuditWorldOptions = {}): Promise<AuditWorld> {
  const world = new AuditWorld(servers, options);
  await world.build();
  return world;
}

/** Audits with the world's complete history, and does not wait for rest. */
export async function audit(world: AuditWorld, options: Partial<AuditOptions> = {}): Promise<AuditReport> {
  const { saleId, servers } = world;
  await world.publishLedger();
  return auditSale(servers.dependencies, {
    saleId,
    history: world.historyLines(),
    waitForRestMs: 0,
    ...options,
  });
}

export function refuted(report: AuditReport): AuditLineName[] {
  return report.lines.filter(({ holds }) => holds === false).map(({ name }) => name);
}

export function unchecked(report: AuditReport): AuditLineName[] {
  return report.lines.filter(({ holds }) => holds === 'unchecked').map(({ name }) => name);
}

export function offendersOf(report: AuditReport, name: AuditLineName): readonly string[] {
  return report.lines.find((line) => line.name === name)?.offenders ?? [];
}
