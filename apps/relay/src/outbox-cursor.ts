import type { ItemRef } from '@flux/contracts';
import { LEASE_MS, type OutboxEntry, type Outboxes } from '@flux/gate';

/**
 * Entries of one read: 14 MB where every entry is the largest, 300 kB where each holds one order. One item is bounded
 * by the round trips of read and send, which a read shares: 9,500 such entries a second on two busy cores.
 */
export const READ_COUNT = 500;
const RENEW_MS = LEASE_MS / 3;
/** How often the lease of another relay, or an item that is not there, is asked for. */
const ASK_AGAIN_MS = 1_000;
/** An outbox that stays empty is read this many lingers apart at most. */
const MAX_IDLE_LINGERS = 8;
/**
 * One that had so many new entries is busy, and is left alone for longer: every stage after it takes more orders at a
 * time. At 3,000 orders a second relay, Kafka and orders took half the CPU for it, of which buyers' requests have need.
 */
const BUSY_ENTRIES = 8;
const BUSY_LINGERS = 4;

export interface CursorOptions {
  readonly outboxes: Outboxes;
  /** Unique per process. */
  readonly owner: string;
  readonly lingerMs: number;
}

/** Where this relay is in one item's outbox, and until when it may read there. */
export class OutboxCursor {
  /** Id of the last entry that Kafka acknowledged to us; undefined before the first lease. */
  private position: string | undefined;
  private leasedUntil = 0;
  private renewAt = 0;
  private readAt = 0;
  private idleLingers = 1;

  constructor(
    readonly item: ItemRef,
    private readonly options: CursorOptions,
  ) {}

  isDue(now: number): boolean {
    return now >= this.readAt;
  }

  isLeased(now = performance.now()): boolean {
    return now < this.leasedUntil;
  }

  /** The next read asks for the lease first: Redis may have come back with other data. */
  distrust(): void {
    this.renewAt = 0;
    this.leasedUntil = 0;
    this.readAt = 0;
  }

  /**
   * The entries after the position, none where another relay has the lease.
   * @throws GateUnavailableError
   */
  async read(): Promise<readonly OutboxEntry[]> {
    if (!(await this.hasLease())) return [];
    const { outboxes, lingerMs } = this.options;
    const entries = await outboxes.read(this.item, { after: this.position ?? '0-0', count: READ_COUNT });
    this.idleLingers = entries.length > 0 ? 1 : Math.min(this.idleLingers * 2, MAX_IDLE_LINGERS);
    const lingers = entries.length >= BUSY_ENTRIES ? BUSY_LINGERS : this.idleLingers;
    this.readAt = entries.length === READ_COUNT ? 0 : performance.now() + lingers * lingerMs;
    return entries;
  }

  /** Kafka has acknowledged everything up to and with this entry. */
  acknowledge(id: string): void {
    this.position = id;
  }

  /** Not before this many milliseconds. */
  postpone(ms: number): void {
    this.readAt = performance.now() + ms;
  }

  /** Stores the position and lets another relay have the outbox at once. */
  async giveUp(): Promise<void> {
    if (!this.isLeased()) return;
    this.leasedUntil = 0;
    await this.options.outboxes.giveUpLease({ ...this.item, ...this.claim() });
  }

  private async hasLease(): Promise<boolean> {
    // Time is counted from before the call, so our lease ends before Redis's.
    const now = performance.now();
    if (now < this.renewAt) return true;
    const lease = await this.options.outboxes.lease({ ...this.item, ...this.claim() });
    switch (lease.outcome) {
      case 'held':
        // Authoritative: after a restart of Redis, or another relay's turn, it is not what we had.
        this.position = lease.position;
        this.leasedUntil = now + LEASE_MS;
        this.renewAt = now + RENEW_MS;
        return true;
      case 'taken':
        this.lose(Math.min(lease.remainingMs, ASK_AGAIN_MS));
        return false;
      case 'gone':
        this.lose(ASK_AGAIN_MS);
        return false;
    }
  }

  private lose(askAgainMs: number): void {
    this.position = undefined;
    this.leasedUntil = 0;
    this.renewAt = 0;
    this.postpone(askAgainMs);
  }

  private claim() {
    return { owner: this.options.owner, position: this.position };
  }
}
