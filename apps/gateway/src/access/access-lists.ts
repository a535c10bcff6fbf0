import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Rounds } from '@flux/background';
import type { AccessList } from '@flux/contracts';
import { AccessListStore, GateUnavailableError } from '@flux/gate';
import { LOG, RepeatedWarning, type Log } from '@flux/telemetry';
import { RuleBook } from './rule-book';

const RELOAD_MS = 1_000;

/**
 * Whom operators have denied, and whom they let through without limits, from memory. Read again each second; what was
 * read stays in force while Redis is away or has lost the rules: the admin process publishes them again.
 */
@Injectable()
export class AccessLists implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private version: string | undefined;
  private rules = new RuleBook([]);
  private readonly reloading: Rounds;

  constructor(
    private readonly store: AccessListStore,
    @Inject(LOG) private readonly log: Log,
  ) {
    const failing = new RepeatedWarning(log, 'the rules of access could not be read');
    this.reloading = new Rounds({
      pauseMs: RELOAD_MS,
      work: () => this.reload(),
      onFailure: (error) => {
        failing.warn({ reason: error instanceof GateUnavailableError ? error.reason : String(error) });
      },
    });
  }

  onApplicationBootstrap(): void {
    this.reloading.start();
  }

  /** A reading that is under way is not waited for: nobody needs it any more. */
  beforeApplicationShutdown(): void {
    void this.reloading.stop();
  }

  /** What the rules say of an address as `clientIpOf` gives it. */
  ofAddress(ip: string): AccessList | undefined {
    return this.rules.ofAddress(ip);
  }

  ofShopper(shopperId: string): AccessList | undefined {
    return this.rules.ofShopper(shopperId);
  }

  private async reload(): Promise<void> {
    const version = await this.store.version();
    if (version === undefined || version === this.version) return;
    const published = await this.store.read();
    if (published === undefined) return;
    this.rules = new RuleBook(published.rules);
    this.version = published.version;
    this.log.info({ rules: published.rules.length }, 'rules of access are in force');
  }
}
