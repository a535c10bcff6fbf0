import { itemName, SALE_ID_PATTERN, type ItemRef } from '@flux/contracts';
import { ask } from './ask';
import { itemKeys, OUTBOXES_KEY } from './gate-keys';
import { decodeOutboxEntry, type OutboxEntry } from './outbox-entry';
import type { LeaseOutcome, LeaseRequest } from './outcomes';
import type { RedisConnection } from './redis-connection';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';
import { decodeLease } from './verb-codec';

/** How long a lease lasts without a renewal, by the clock of Redis. */
export const LEASE_MS = 10_000;

/** The outboxes: which there are, what is in them, who reads them. All methods throw GateUnavailableError. */
export class Outboxes {
  private readonly runner: ScriptRunner;

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
  }

  /** Every unfinished outbox's item. */
  async list(): Promise<readonly ItemRef[]> {
    const names = await ask(this.connection, (client) => client.smembers(OUTBOXES_KEY));
    return names.map(itemOfName).filter((item) => item !== undefined);
  }

  async add(items: readonly ItemRef[]): Promise<void> {
    if (items.length === 0) return;
    await ask(this.connection, (client) => client.sadd(OUTBOXES_KEY, ...items.map(itemName)));
  }

  async remove(item: ItemRef): Promise<void> {
    await ask(this.connection, (client) => client.srem(OUTBOXES_KEY, itemName(item)));
  }

  /**
   * Entries in order.
   * @param after id of the last entry already read; `0-0` for all
   */
  async read(
    item: ItemRef,
    { after, count }: { readonly after: string; readonly count: number },
  ): Promise<readonly OutboxEntry[]> {
    const key = itemKeys(item).outbox;
    const entries = await ask(this.connection, (client) =>
      client.xrange(key, `(${after}`, '+', 'COUNT', count),
    );
    return entries.map(([id, fields]) => decodeOutboxEntry(item, id, fields));
  }

  /** Entries not yet settled. */
  async length(item: ItemRef): Promise<number> {
    return ask(this.connection, (client) => client.xlen(itemKeys(item).outbox));
  }

  /** When the oldest unsettled order was accepted, by the clock of Redis; undefined where there is none. */
  async oldestAcceptedAtMs(item: ItemRef): Promise<number | undefined> {
    const [entry] = await this.read(item, { after: '0-0', count: 1 });
    return entry?.outcome === 'event' ? entry.event.acceptedAtMs : undefined;
  }

  /**
   * How far the relays have come: id of the last entry that Kafka acknowledged, `0-0` for none, and the time by the
   * clock of Redis.
   */
  async progress(item: ItemRef): Promise<{ readonly position: string; readonly nowMs: number }> {
    const { lease } = itemKeys(item);
    const position = await ask(this.connection, (client) => client.hget(lease, 'position'));
    const [seconds, micros] = await ask(this.connection, (client) => client.time());
    return {
      position: position ?? '0-0',
      nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000),
    };
  }

  /**
   * Gets or renews the lease for LEASE_MS, and stores the owner's position. Another owner gets it when it has run
   * out, and starts from the stored position.
   */
  async lease(request: LeaseRequest): Promise<LeaseOutcome> {
    return this.runLease(request, LEASE_MS);
  }

  /** Stores the position and lets others have the lease at once: for a shutdown. */
  async giveUpLease(request: LeaseRequest): Promise<void> {
    await this.runLease(request, 0);
  }

  private async runLease(request: LeaseRequest, leaseMs: number): Promise<LeaseOutcome> {
    const { lease, item, outbox } = itemKeys(request);
    const reply = await this.runner.run({
      script: SCRIPTS.lease,
      keys: [lease, item, outbox],
      args: [request.owner, leaseMs, request.position ?? ''],
    });
    return decodeLease(reply);
  }
}

function itemOfName(name: string): ItemRef | undefined {
  const [saleId = '', productId = '', ...more] = name.split('.');
  const valid = more.length === 0 && SALE_ID_PATTERN.test(saleId) && SALE_ID_PATTERN.test(productId);
  return valid ? { saleId, productId } : undefined;
}
