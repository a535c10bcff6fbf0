/** Items remembered; the oldest is forgotten first, which only costs the protection described below. */
const MAX_ITEMS = 10_000;

/**
 * The highest epoch that this process has seen of each item. A server that answers with an older one is a master that
 * was replaced and came back: its answers do not count.
 */
export class EpochFloors {
  private readonly epochs = new Map<string, number>();

  constructor(private readonly maxItems = MAX_ITEMS) {}

  /** 0 where none was seen. */
  of(item: string): number {
    return this.epochs.get(item) ?? 0;
  }

  saw(item: string, epoch: number): void {
    if (epoch <= this.of(item)) return;
    this.epochs.delete(item);
    this.epochs.set(item, epoch);
    if (this.epochs.size <= this.maxItems) return;
    const [oldest] = this.epochs.keys();
    if (oldest !== undefined) this.epochs.delete(oldest);
  }
}
