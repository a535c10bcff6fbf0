interface Entry<Value> {
  readonly value: Promise<Value>;
  readonly readAtMs: number;
}

/**
 * Remembers what was read for a moment, and lets all who ask meanwhile share one read. A read that fails is not
 * remembered.
 */
export class ShortCache<Value> {
  private readonly entries = new Map<string, Entry<Value>>();

  constructor(
    private readonly options: {
      readonly ttlMs: number;
      /** The entry that was read first is forgotten first. */
      readonly maxEntries: number;
      readonly now?: () => number;
    },
  ) {}

  get(key: string, read: () => Promise<Value>): Promise<Value> {
    const known = this.entries.get(key);
    const now = this.now();
    if (known !== undefined && now - known.readAtMs < this.options.ttlMs) return known.value;
    const entry = { value: read(), readAtMs: now };
    this.entries.delete(key);
    this.entries.set(key, entry);
    this.makeRoom();
    entry.value.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry.value;
  }

  private makeRoom(): void {
    if (this.entries.size <= this.options.maxEntries) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }

  private now(): number {
    return this.options.now?.() ?? performance.now();
  }
}
