import { hash } from 'node:crypto';
import { Rounds } from '@flux/background';
import { ProblemError } from '@flux/contracts';
import { describeFailure } from '@flux/ledger';
import { LOG, type Log, RepeatedWarning } from '@flux/telemetry';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ApiKey, type KeyOwner, ownerOfDigest } from './api-keys';
import { liveKeys } from './key.repository';
import { StoredKeys } from './stored-keys';

/** Injection token of all keys of the environment. */
export const ENVIRONMENT_KEYS = Symbol('ENVIRONMENT_KEYS');

const RELOAD_MS = 1_000;

/**
 * Whose key it is: the environment's, and those that owners gave out, from memory. The latter are read again each second
 * and at once where this process changed one. While PostgreSQL is away they stay good for `KEPT_MS`.
 */
@Injectable()
export class Keyring implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stored: StoredKeys | undefined;
  private reading: Promise<void> | undefined;
  private readonly reloading: Rounds;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(ENVIRONMENT_KEYS) private readonly environment: readonly ApiKey[],
    @Inject(LOG) log: Log,
  ) {
    const failing = new RepeatedWarning(log, 'the keys could not be read');
    this.reloading = new Rounds({
      pauseMs: RELOAD_MS,
      work: async () => {
        // At the start it is waited for elsewhere.
        if (this.dataSource.isInitialized) await this.read();
      },
      onFailure: (error) => {
        failing.warn({ reason: describeFailure(error) });
      },
    });
  }

  onApplicationBootstrap(): void {
    this.reloading.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.reloading.stop();
  }

  /** @throws ProblemError 503 where it may be one that an owner gave out, and PostgreSQL does not say */
  async find(presented: string): Promise<KeyOwner | undefined> {
    const digest = hash('sha256', presented, 'buffer');
    const known = ownerOfDigest(this.environment, digest);
    if (known !== undefined) return known;
    const stored = await this.current();
    return stored.find(digest.toString('hex'), performance.now());
  }

  /** Reads the keys as they are now, not as a reading found them that had begun before. */
  async refresh(): Promise<void> {
    await this.reading?.catch(() => undefined);
    await this.read();
  }

  private async current(): Promise<StoredKeys> {
    if (this.stored === undefined || this.stored.isStale(performance.now())) {
      await this.read().catch(() => undefined);
    }
    const { stored } = this;
    if (stored !== undefined && !stored.isStale(performance.now())) return stored;
    throw new ProblemError(
      'temporarily-unavailable',
      'PostgreSQL does not say whose key this is; try again.',
    );
  }

  /** One at a time: whoever needs it meanwhile shares it. */
  private read(): Promise<void> {
    this.reading ??= this.readOnce().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readOnce(): Promise<void> {
    const askedAtMs = performance.now();
    this.stored = new StoredKeys(await liveKeys(this.dataSource.manager), askedAtMs);
  }
}
