import { ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import { RedisConnection, checkRedisSettings } from '@flux/gate';
import { ensureTopics } from '@flux/kafka';
import { LedgerConnection, describeFailure } from '@flux/ledger';
import type { Telemetry } from '@flux/telemetry';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Kafka } from 'kafkajs';
import type { AdminConfig } from './admin-settings';
import { MaintenanceLoop } from './maintenance/maintenance.loop';

/**
 * What goes on behind the listener until all three servers were reached and found safe; they may come up in any
 * order. Maintenance begins as soon as PostgreSQL and Redis are.
 */
export class Startup {
  private readonly stopping = new AbortController();
  private finished: Promise<void> = Promise.resolve();
  private checked = false;

  constructor(
    private readonly app: NestFastifyApplication,
    private readonly config: AdminConfig,
    private readonly telemetry: Telemetry,
  ) {
    telemetry.health.register('settings', () => this.checked);
  }

  /** @param onUnsafe hears of a server that is reachable and can lose orders: the process should exit */
  begin(onUnsafe: (error: Error) => void): void {
    this.finished = this.run().catch((error: unknown) => {
      if (this.stopping.signal.aborted) return;
      onUnsafe(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Ends the waiting and the maintenance. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.app.get(LedgerConnection).onModuleDestroy();
    await this.finished;
    await this.app.get(MaintenanceLoop).stop();
  }

  private async run(): Promise<void> {
    await Promise.all([this.prepareMaintenance(), this.checkKafka()]);
    this.checked = true;
    this.telemetry.log.info('PostgreSQL, Redis and Kafka are reached, and safe');
  }

  private async prepareMaintenance(): Promise<void> {
    const { app, config, telemetry } = this;
    const { signal } = this.stopping;
    await Promise.all([
      app.get(LedgerConnection).ready((error) => {
        telemetry.log.warn({ reason: describeFailure(error) }, 'waits for PostgreSQL');
      }),
      checkRedisSettings(app.get(RedisConnection), config, signal),
    ]);
    if (!signal.aborted) app.get(MaintenanceLoop).start();
  }

  private async checkKafka(): Promise<void> {
    const { app, config, telemetry } = this;
    await ensureTopics({
      kafka: app.get(Kafka),
      settings: config,
      topics: [ORDERS_ACCEPTED_TOPIC],
      signal: this.stopping.signal,
      log: (level, message, fields) => {
        telemetry.log[level](fields ?? {}, message);
      },
    });
  }
}
