import { Catalogue, GateClient, GateRebuild, Outboxes, type RedisConnection } from '@flux/gate';
import { BatchProducer, KafkaAdmin, type KafkaSettings } from '@flux/kafka';
import { ExclusiveWork, LedgerReader, RebuildLedger, Rebuilds } from '@flux/ledger';
import { type Log, Metrics } from '@flux/telemetry';
import { RoomClient } from '@flux/waiting-room';
import type { Kafka } from 'kafkajs';
import type { DataSource } from 'typeorm';
import { GateDriver } from '../gate-driver/gate-driver.service';
import { SalePublisher } from '../gate-driver/sale-publisher';
import { RoomPublisher } from '../waiting-room/room-publisher';
import { OutboxDrain } from './outbox-drain.service';
import { RebuildOpening } from './rebuild-opening.service';
import { RebuildRequests } from './rebuild-requests';
import { RebuildSteps } from './rebuild-steps.service';
import { RebuildMetrics } from './rebuild.metrics';
import { Rebuilder } from './rebuilder.service';

export interface RebuildServers {
  readonly database: DataSource;
  readonly redis: RedisConnection;
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly log: Log;
}

export interface RebuildParts {
  readonly rebuilder: Rebuilder;
  readonly requests: RebuildRequests;
  readonly rebuilds: Rebuilds;
  /** Leaves Kafka; the other connections are the caller's. */
  readonly end: () => Promise<void>;
}

/** What the admin process has by injection, for a process that only rebuilds. */
export function rebuildParts({ database, redis, kafka, settings, log }: RebuildServers): RebuildParts {
  const [gate, gateRebuild, outboxes] = [new GateClient(redis), new GateRebuild(redis), new Outboxes(redis)];
  const [ledger, rebuilds] = [new RebuildLedger(database), new Rebuilds(database)];
  const [admin, producer] = [new KafkaAdmin(kafka), new BatchProducer(kafka)];
  const publisher = new SalePublisher(database, new Catalogue(redis));
  const rooms = new RoomPublisher(database, new RoomClient(redis));
  const driver = new GateDriver(database, gate, outboxes, publisher, rooms, log);
  const drain = new OutboxDrain(outboxes, new LedgerReader(database), admin, producer, settings);
  const opening = new RebuildOpening(gateRebuild, outboxes, ledger, rebuilds, driver, publisher);
  const steps = new RebuildSteps(gateRebuild, drain, ledger, opening);
  const metrics = new RebuildMetrics(new Metrics('rebuild'));
  const exclusive = new ExclusiveWork(database);
  const rebuilder = new Rebuilder(exclusive, gateRebuild, ledger, rebuilds, steps, metrics, log);
  return {
    rebuilder,
    requests: new RebuildRequests(database, rebuilder, rebuilds),
    rebuilds,
    end: async () => {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}
