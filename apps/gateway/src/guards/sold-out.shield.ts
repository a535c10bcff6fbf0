import { itemName, type ItemRef } from '@flux/contracts';
import type { Buyers, ReserveOutcome } from '@flux/gate';
import type { Log } from '@flux/telemetry';
import { SoldOutFlag } from './sold-out.flag';

/** Items watched at once, and for how long after their last answer. */
const MAX_ITEMS = 1_000;
const IDLE_MS = 60_000;

/** The buyers of a large item take a while to read: not more often than this. */
const LOAD_EVERY_MS = 50;

interface WatchedItem {
  readonly item: ItemRef;
  readonly flag: SoldOutFlag;
  /** Ends the subscription, once it is there. */
  readonly watch: Promise<() => void>;
  seenAtMs: number;
  loadedAtMs: number;
  loading: boolean;
}

interface ShieldParts {
  readonly gate: { loadBuyers(item: ItemRef, version: number): Promise<Buyers | undefined> };
  readonly push: {
    isUp(): boolean;
    onChange(listener: (up: boolean) => void): () => void;
    subscribe(item: ItemRef, listener: { onStock(): void }): Promise<() => void>;
  };
  readonly log: Log;
  /** Milliseconds of a clock that never steps back. */
  readonly now?: () => number;
}

/**
 * Refuses locally, without Redis, whoever comes for an item that is sold out and never had an order of it accepted.
 *
 * - Only a gate's answer that found 0 available raises the flag, for 250 ms from when the gate was asked.
 * - A push that stock or state changed lowers it; while the push channel is down nobody is refused.
 * - Former buyers always reach the gate: their retries must get their 202. So must everybody until the buyers of the
 *   answer's version are read.
 */
export class SoldOutShield {
  private readonly items = new Map<string, WatchedItem>();
  private readonly now: () => number;

  constructor(private readonly parts: ShieldParts) {
    this.now = parts.now ?? (() => performance.now());
    parts.push.onChange(() => {
      this.lowerAll();
    });
  }

  refuses(item: ItemRef, shopperId: string): boolean {
    const watched = this.items.get(itemName(item));
    return watched !== undefined && this.parts.push.isUp() && watched.flag.refuses(shopperId, this.now());
  }

  /** Takes note of what the gate said of the item when it was asked at `askedAtMs`. */
  learn(item: ItemRef, outcome: ReserveOutcome, askedAtMs: number): void {
    switch (outcome.outcome) {
      case 'soldOut':
        if (outcome.available === 0) this.raise(item, outcome.version, askedAtMs);
        else this.lower(item, askedAtMs);
        return;
      case 'accepted':
      case 'notOpen':
      case 'closed':
      case 'notReady':
        this.lower(item, askedAtMs);
        return;
      case 'replayed':
      case 'reused':
      case 'shopperLimit':
      case 'waitingRoom':
      case 'passUsed':
      case 'moved':
      case 'unavailable':
      case 'unknown':
        // Says nothing of the stock.
        return;
    }
  }

  /** Items that are watched now. */
  get size(): number {
    return this.items.size;
  }

  private raise(item: ItemRef, version: number, askedAtMs: number): void {
    const watched = this.watched(item);
    watched.seenAtMs = this.now();
    watched.flag.raise(version, askedAtMs);
    void this.loadMissingBuyers(watched);
  }

  private lower(item: ItemRef, askedAtMs: number): void {
    this.items.get(itemName(item))?.flag.lower(askedAtMs);
  }

  private lowerAll(): void {
    for (const { flag } of this.items.values()) flag.lower(this.now());
  }

  private watched(item: ItemRef): WatchedItem {
    const name = itemName(item);
    const known = this.items.get(name);
    if (known !== undefined) {
      // To the end of the map's order, which is that of the last answers.
      this.items.delete(name);
      this.items.set(name, known);
      return known;
    }
    this.forgetIdle();
    const flag = new SoldOutFlag();
    const watched: WatchedItem = {
      item,
      flag,
      watch: this.parts.push.subscribe(item, {
        onStock: () => {
          flag.lower(this.now());
        },
      }),
      seenAtMs: this.now(),
      loadedAtMs: -Infinity,
      loading: false,
    };
    this.items.set(name, watched);
    return watched;
  }

  private forgetIdle(): void {
    for (const [name, { seenAtMs, watch }] of this.items) {
      if (this.now() - seenAtMs < IDLE_MS && this.items.size < MAX_ITEMS) return;
      this.items.delete(name);
      void watch.then((unsubscribe) => {
        unsubscribe();
      });
    }
  }

  private async loadMissingBuyers(watched: WatchedItem): Promise<void> {
    const version = watched.flag.missingBuyers();
    if (version === undefined || watched.loading || this.now() - watched.loadedAtMs < LOAD_EVERY_MS) return;
    watched.loading = true;
    try {
      // The subscription first: a push between the two would be missed.
      await watched.watch;
      const buyers = await this.parts.gate.loadBuyers(watched.item, version);
      if (buyers !== undefined) watched.flag.setBuyers(version, buyers);
    } catch (error) {
      // Without them everybody goes to the gate, and the next answer tries again.
      this.parts.log.warn({ err: error, ...watched.item }, 'the buyers of an item could not be read');
    } finally {
      watched.loading = false;
      watched.loadedAtMs = this.now();
    }
  }
}
