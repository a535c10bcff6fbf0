interface Window {
  hits: number;
  readonly endsAtMs: number;
}

/** Addresses remembered at once: 100,000 windows are about 15 MB. */
const MAX_ADDRESSES = 100_000;

/** What one request more makes of its address. */
export interface AddressHit {
  readonly totalHits: number;
  readonly isBlocked: boolean;
  /** Until the address' window ends, rounded up. */
  readonly secondsLeft: number;
}

/** Counts requests per address in fixed windows of this process, in constant time and bounded memory. */
export class AddressLimitStorage {
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly now: () => number = Date.now,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  /** Addresses remembered now. */
  get size(): number {
    return this.windows.size;
  }

  increment(address: string, windowMs: number, limit: number): AddressHit {
    const window = this.windowOf(address, windowMs);
    window.hits += 1;
    return {
      totalHits: window.hits,
      isBlocked: window.hits > limit,
      secondsLeft: Math.max(1, Math.ceil((window.endsAtMs - this.now()) / 1_000)),
    };
  }

  private windowOf(address: string, windowMs: number): Window {
    const known = this.windows.get(address);
    if (known !== undefined && known.endsAtMs > this.now()) return known;
    // Deleted first, so that the map's order is that of the windows' begin.
    this.windows.delete(address);
    this.makeRoom();
    const window = { hits: 0, endsAtMs: this.now() + windowMs };
    this.windows.set(address, window);
    return window;
  }

  /** Forgets the windows that have ended, oldest first, and the oldest one where all are still running. */
  private makeRoom(): void {
    for (const [address, { endsAtMs }] of this.windows) {
      if (endsAtMs > this.now() && this.windows.size < this.maxAddresses) return;
      this.windows.delete(address);
    }
  }
}
