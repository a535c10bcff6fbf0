import { type ItemRef, itemName } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { ExclusiveWork } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { inSlices } from '../gate-driver/in-slices';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import type { Alarm } from './alarm';
import { CountersCheck } from './counters-check';
import { type Drift, driftOf } from './drift';
import { DriftReports } from './drift-reports';
import { GateRepairs } from './gate-repairs';
import { glanceAt, openedItems, readLedgerSide } from './ledger-side';
import { type Standing, Standings } from './standings';
import { readGateItem } from './read-gate-item';

/** Advisory lock: one process at a time reconciles. */
const RECONCILING_LOCK = 7_305_019;
const PAUSE_MS = 5_000;

/** What one round has found. */
interface Findings {
  surplus: number;
  deficit: number;
  readonly alarms: Alarm[];
  readonly failures: unknown[];
}

/**
 * Looks after drift: units that a gate has more or less than the ledger has free. A gate that has too many is lowered
 * at once; one that has too few is raised when it is at rest (see `Standings`). What that does not mend is an alarm.
 * Items that are suspended or being rebuilt are left alone.
 */
@Injectable()
export class Reconciler {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly exclusive: ExclusiveWork,
    private readonly repairs: GateRepairs,
    private readonly counters: CountersCheck,
    private readonly standings: Standings,
    private readonly reports: DriftReports,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'reconciling', pauseMs: PAUSE_MS, work: () => this.reconcile() }];
  }

  /**
   * One round over all items whose gate was opened. An item that cannot be looked at holds up no other.
   * @throws what the first of these threw, after all had their turn; the next round goes on
   */
  async reconcile(): Promise<void> {
    const failures: unknown[] = [];
    await this.exclusive.run(RECONCILING_LOCK, async (signal) => {
      this.reports.publish(await this.round(signal, failures));
    });
    if (failures.length > 0) throw failures[0];
  }

  private async round(signal: AbortSignal, failures: unknown[]): Promise<Findings> {
    const findings: Findings = { surplus: 0, deficit: 0, alarms: [], failures };
    const waiting = await this.repairs.completePending(signal);
    const items = await openedItems(this.dataSource.manager);
    this.standings.keep(items);
    for (const slice of inSlices(items)) {
      for (const item of await this.suspects(slice, findings)) {
        if (waiting.has(itemName(item))) continue;
        await this.look(item, findings).catch((error: unknown) => failures.push(error));
        signal.throwIfAborted();
      }
    }
    findings.alarms.push(...(await this.counters.round(items, signal)));
    return findings;
  }

  /** A glance: one reading of each gate. Those that agree with the ledger are at peace. */
  private async suspects(slice: readonly ItemRef[], findings: Findings): Promise<readonly ItemRef[]> {
    const gates = await Promise.allSettled(slice.map((item) => readGateItem(this.gate, item)));
    const ledgers = await glanceAt(this.dataSource.manager, slice);
    const ledgerOf = new Map(ledgers.map((ledger) => [itemName(ledger), ledger]));
    return slice.filter((item, index) => {
      const gate = gates[index];
      const ledger = ledgerOf.get(itemName(item));
      if (gate?.status === 'rejected') findings.failures.push(gate.reason);
      if (gate?.status !== 'fulfilled' || gate.value === undefined || ledger === undefined) return false;
      const { perShopperLimit, available } = gate.value;
      if (perShopperLimit !== ledger.perShopperLimit) {
        const detail = `the gate's limit is ${perShopperLimit}, the item's ${ledger.perShopperLimit}`;
        findings.alarms.push({ kind: 'limit', item, detail });
      }
      if (available !== ledger.free) return true;
      this.standings.atPeace(item);
      return false;
    });
  }

  private async look(item: ItemRef, findings: Findings): Promise<void> {
    const drift = await this.driftOf(item);
    switch (drift.kind) {
      case 'none':
      case 'moving':
      case 'elsewhere':
        this.standings.atPeace(item);
        return;
      case 'surplus':
        findings.surplus += drift.units;
        this.alarm(findings, { kind: 'surplus', item }, this.standings.surplus(item, drift));
        await this.repairs.repair(item, drift.seen);
        return;
      case 'deficit': {
        const standing = await this.standings.deficit(item, drift);
        if (standing.mayRepair || standing.alarming !== undefined) findings.deficit += drift.units;
        this.alarm(findings, { kind: 'deficit', item }, standing);
        if (standing.mayRepair) await this.repairs.repair(item, drift.seen);
        if (standing.failure !== undefined) throw standing.failure.error;
      }
    }
  }

  private alarm(findings: Findings, alarm: Omit<Alarm, 'detail'>, { alarming }: Standing): void {
    if (alarming !== undefined) findings.alarms.push({ ...alarm, detail: alarming });
  }

  private async driftOf(item: ItemRef): Promise<Drift> {
    const before = await readGateItem(this.gate, item);
    const ledger = await readLedgerSide(this.dataSource.manager, item);
    const after = await readGateItem(this.gate, item);
    return ledger === undefined ? { kind: 'elsewhere' } : driftOf({ before, ledger, after });
  }
}
