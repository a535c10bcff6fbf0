import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ProblemError,
} from '@flux/contracts';
import { RedisConnection } from '@flux/gate';
import { KAFKA_SETTINGS, type KafkaSettings, prefixed } from '@flux/kafka';
import { type AuditReport, auditSale } from '@flux/checker';
import { Inject, Injectable } from '@nestjs/common';
import { Kafka } from 'kafkajs';
import { DataSource } from 'typeorm';

/** Shorter than the command line's: the caller waits on a connection. */
const WAIT_FOR_REST_MS = 5_000;

/** Proves or refutes that a sale's accounts are sound: the checker over this process's own connections. */
@Injectable()
export class SaleAuditor {
  private running = false;

  constructor(
    private readonly redis: RedisConnection,
    private readonly kafka: Kafka,
    private readonly dataSource: DataSource,
    @Inject(KAFKA_SETTINGS) private readonly settings: KafkaSettings,
  ) {}

  /** @throws ProblemError `temporarily-unavailable` while another audit runs: each holds its sale's rows in memory */
  async audit(saleId: string): Promise<AuditReport> {
    if (this.running) throw new ProblemError('temporarily-unavailable', 'Another audit is running.');
    this.running = true;
    try {
      return await this.auditAlone(saleId);
    } finally {
      this.running = false;
    }
  }

  private async auditAlone(saleId: string): Promise<AuditReport> {
    return auditSale(
      {
        redis: this.redis.client,
        kafka: this.kafka,
        topic: prefixed(this.settings, ORDERS_ACCEPTED_TOPIC),
        statusTopic: prefixed(this.settings, ORDER_STATUS_TOPIC),
        ledgerTopic: prefixed(this.settings, LEDGER_EVENTS_TOPIC),
        consumerGroup: prefixed(this.settings, ORDERS_CONSUMER_GROUP),
        database: this.dataSource,
      },
      { saleId, waitForRestMs: WAIT_FOR_REST_MS },
    );
  }
}
