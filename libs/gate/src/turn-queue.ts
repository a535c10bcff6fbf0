/**
 * Collects what comes in one turn of the event loop, by name, and hands it out at the turn's end. Collecting by
 * `setImmediate` fills batches; by microtask every batch was one.
 */
export class TurnQueue<Entry> {
  private entries = new Map<string, Entry[]>();

  /** @param onTurnEnd must not throw */
  constructor(private readonly onTurnEnd: (entries: ReadonlyMap<string, readonly Entry[]>) => void) {}

  add(name: string, entry: Entry): void {
    const isFirst = this.entries.size === 0;
    const ofName = this.entries.get(name);
    if (ofName === undefined) this.entries.set(name, [entry]);
    else ofName.push(entry);
    if (!isFirst) return;
    setImmediate(() => {
      const collected = this.entries;
      this.entries = new Map();
      this.onTurnEnd(collected);
    });
  }
}
