import { type AccessRule, digestOfFields } from '@flux/contracts';
import { AccessListStore } from '@flux/gate';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { removeExpired, rulesInForce } from './access-rule.repository';

/** How late a rule's end, or what a crash or an outage cut short, is noticed at the most. */
const CHECK_MS = 1_000;

/** Keeps the rules that gateways read in Redis as PostgreSQL has them. */
@Injectable()
export class AccessPublisher {
  constructor(
    private readonly dataSource: DataSource,
    private readonly store: AccessListStore,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'access', pauseMs: CHECK_MS, work: () => this.publish() }];
  }

  /**
   * Ends the rules that have expired and writes the rest where Redis has others or none. One process at a time, each with
   * what PostgreSQL has then: no slow one brings back an older state.
   * @throws GateUnavailableError
   */
  async publish(): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('flux:access', 0))");
      await removeExpired(manager);
      const rules = await rulesInForce(manager);
      const version = versionOf(rules);
      if ((await this.store.version()) === version) return;
      await this.store.write({ version, rules: [...rules] });
      this.log.info({ rules: rules.length }, 'rules of access published');
    });
  }
}

/** The same for the same rules, so that it tells whether what is published is what is wanted. */
function versionOf(rules: readonly AccessRule[]): string {
  return digestOfFields(rules.flatMap(({ list, kind, value }) => [list, kind, value]));
}
