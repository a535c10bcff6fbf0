import {
  decodeItemEvent,
  encodeItemEvent,
  type ItemEvent,
  type ItemRef,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import { type GateItem, GateRebuild, itemKeys } from '@flux/gate';
import { BatchProducer, ensureTopics, type KafkaBatch, KafkaAdmin, prefixed } from '@flux/kafka';
import {
  BatchTransaction,
  LedgerEntity,
  LedgerReader,
  type PlacedEvent,
  type RebuildEntity,
  Rebuilds,
  TellGate,
} from '@flux/ledger';
import { BatchConsumer, commitOffsets, deleteTopics, kafkaBrokers, topicPrefix } from '@flux/testing';
import { Kafka } from 'kafkajs';
import { RebuildMaintenance } from '../src/rebuild/rebuild-maintenance.service';
import { type RebuildOptions, type RebuildOutcome, Rebuilder } from '../src/rebuild/rebuilder.service';
import { AdminWorld } from './admin.world';
import { OrderLife } from './order-life';

type Phase = RebuildEntity['phase'];

/** An admin process with Kafka, and who stands for the orders processes. No relay: what is accepted stays in the outbox. */
export class RebuildWorld {
  readonly life: OrderLife;
  private orders: BatchConsumer | undefined;

  private constructor(
    readonly admin: AdminWorld,
    private readonly prefix: string,
  ) {
    this.life = new OrderLife(admin);
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<RebuildWorld> {
    const prefix = topicPrefix();
    const admin = await AdminWorld.start({
      settings: {
        KAFKA_BROKERS: kafkaBrokers(),
        FLUX_TOPIC_PREFIX: prefix,
        FLUX_KAFKA_REPLICATION: '1',
        FLUX_KAFKA_PARTITIONS: '1',
        FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000',
        ...settings,
      },
    });
    const kafka = admin.app.get(Kafka);
    await ensureTopics({ kafka, settings: admin.config, topics: [ORDERS_ACCEPTED_TOPIC] });
    const world = new RebuildWorld(admin, prefix);
    await world.startOrders();
    return world;
  }

  async stop(): Promise<void> {
    await this.stopOrders();
    await this.admin.stop();
    await deleteTopics(this.prefix);
  }

  /** No gate of a sale so far is looked after any more. */
  async retireAll(): Promise<void> {
    await this.admin.dataSource.query("UPDATE sales SET state = 'retired'");
  }

  async startOrders(): Promise<void> {
    this.orders = await BatchConsumer.start({
      settings: this.admin.config,
      topic: ORDERS_ACCEPTED_TOPIC,
      groupId: prefixed(this.admin.config, ORDERS_CONSUMER_GROUP),
      handle: async (batch) => {
        await this.apply(batch);
        return { next: 'done' };
      },
    });
  }

  async stopOrders(): Promise<void> {
    await this.orders?.stop();
    this.orders = undefined;
  }

  /** As a relay does, in one batch. */
  async send(...events: readonly ItemEvent[]): Promise<void> {
    const topic = `${this.prefix}${ORDERS_ACCEPTED_TOPIC}`;
    const messages = events.map(encodeItemEvent);
    const sent = await this.admin.app.get(BatchProducer).send({ topic, partition: 0, messages });
    if (sent.outcome !== 'acked') throw new Error(sent.reason);
  }

  /** Offset of the next message. */
  async endOffset(): Promise<bigint> {
    const topic = `${this.prefix}${ORDERS_ACCEPTED_TOPIC}`;
    return (await this.admin.app.get(KafkaAdmin).endOffsets(topic)).get(0) ?? 0n;
  }

  /** As if Kafka had lost what the group, which is away, has not read. */
  async skipMessages(): Promise<void> {
    const topic = `${this.prefix}${ORDERS_ACCEPTED_TOPIC}`;
    const groupId = prefixed(this.admin.config, ORDERS_CONSUMER_GROUP);
    await commitOffsets(groupId, topic, [String(await this.endOffset())]);
  }

  async removeEntry(item: ItemRef, id: string): Promise<void> {
    await this.admin.redis.client.xdel(itemKeys(item).outbox, id);
  }

  /** One that the gate did not write. */
  async addEntry(item: ItemRef, id: string): Promise<void> {
    await this.admin.redis.client.xadd(itemKeys(item).outbox, id, 'hello', 'world');
  }

  /** Puts something foreign in a key's place. */
  async spoil(item: ItemRef, key: 'outbox'): Promise<void> {
    await this.admin.redis.client.del(itemKeys(item)[key]);
    await this.admin.redis.client.set(itemKeys(item)[key], 'foreign');
  }

  /** Ends the transactions that hold advisory locks, as the server does with frozen processes. */
  async endLocks(): Promise<void> {
    await this.admin.dataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks
       WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
  }

  async flush(): Promise<void> {
    await this.admin.redis.client.flushall();
  }

  async lose(item: ItemRef, key: 'item' | 'stock'): Promise<void> {
    await this.admin.redis.client.del(itemKeys(item)[key]);
  }

  async rebuild(item: ItemRef, options: RebuildOptions = {}): Promise<RebuildOutcome> {
    return this.admin.app.get(Rebuilder).rebuild(item, { patienceMs: 20_000, ...options });
  }

  /** One attempt that ends when it comes to this phase, as a process does that is killed there. */
  async crashAt(
    item: ItemRef,
    phase: Phase,
    isThere: (orders: number) => boolean = () => true,
  ): Promise<void> {
    const crash = this.rebuild(item, {
      onProgress: (progress) => {
        if (progress.phase === phase && isThere(progress.orders ?? 0)) throw new Error('crashed');
      },
    });
    await crash.then(
      () => {
        throw new Error(`the rebuild never came to ${phase}`);
      },
      (error: unknown) => {
        if (!String(error).includes('crashed')) throw error;
      },
    );
  }

  /** One round of the maintenance loop. */
  async round(): Promise<void> {
    await this.admin.app.get(RebuildMaintenance).rebuildAll();
  }

  async look(item: ItemRef): Promise<string> {
    const look = await this.admin.app.get(GateRebuild).look(item);
    return look.outcome === 'broken' ? look.what : look.state;
  }

  /** @throws where the gate is not at work */
  async gateOf(item: ItemRef): Promise<GateItem> {
    const gate = await this.admin.gate.readItem(item);
    if (gate === undefined) throw new Error('the gate is not there');
    return gate;
  }

  async ledgerOf(item: ItemRef): Promise<LedgerEntity> {
    return this.admin.dataSource.manager.findOneByOrFail(LedgerEntity, { ...item });
  }

  async stateOf(orderId: string): Promise<string | undefined> {
    return (await this.admin.app.get(LedgerReader).order(orderId))?.state;
  }

  async countOf(item: ItemRef, shopperId: string): Promise<string | null> {
    return this.admin.redis.client.hget(itemKeys(item).shoppers, shopperId);
  }

  async rebuildsOf(item: ItemRef): Promise<readonly RebuildEntity[]> {
    return this.admin.app.get(Rebuilds).list(item, { limit: 100 });
  }

  private async apply({ messages }: KafkaBatch): Promise<void> {
    const events = messages.map(({ value, offset }): PlacedEvent => {
      const decoded = decodeItemEvent(String(value));
      if (decoded.outcome === 'unreadable') throw new Error(decoded.reason);
      return { event: decoded.event, offset };
    });
    const { app, gate } = this.admin;
    const applied = await app.get(BatchTransaction).apply(events);
    if (applied.outcome === 'refused') throw new Error(applied.reason);
    for (const { saleId, productId, settlement, untold } of applied.items) {
      await app.get(TellGate).tell({ saleId, productId }, untold);
      if (settlement !== undefined) await gate.settle(settlement);
    }
  }
}
