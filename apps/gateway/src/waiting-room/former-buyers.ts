import { Inject, Injectable } from '@nestjs/common';
import { itemName, type ItemRef } from '@flux/contracts';
import { GateClient, type Buyers } from '@flux/gate';
import { LOG, type Log } from '@flux/telemetry';

/** Items remembered; the one that was asked for longest ago is forgotten first. */
const MAX_ITEMS = 1_000;

interface OfItem {
  readonly since: number;
  readonly buyers: Buyers;
}

/**
 * Who had an order of an item accepted before its waiting room went on, without a pass: the only ones without one who may
 * have a 202 to get again (DESIGN, decision 3). Read once for each time that the room goes on.
 */
@Injectable()
export class FormerBuyers {
  private readonly items = new Map<string, OfItem>();
  private readonly loading = new Set<string>();

  constructor(
    private readonly gate: GateClient,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** Whether this shopper certainly has no order from before; false also where that is not known yet. */
  exclude(item: ItemRef, since: number, shopperId: string): boolean {
    const known = this.items.get(itemName(item));
    return known?.since === since && !known.buyers.has(shopperId);
  }

  /** The gate has refused somebody of this item because of a room that went on then. */
  learn(item: ItemRef, since: number): void {
    const name = itemName(item);
    if (this.items.get(name)?.since === since || this.loading.has(name)) return;
    this.loading.add(name);
    void this.load(item, since).finally(() => this.loading.delete(name));
  }

  private async load(item: ItemRef, since: number): Promise<void> {
    try {
      const buyers = await this.gate.loadBuyersBefore(item, since);
      if (buyers === undefined) return;
      const [oldest] = this.items.keys();
      if (this.items.size >= MAX_ITEMS && oldest !== undefined) this.items.delete(oldest);
      this.items.set(itemName(item), { since, buyers });
    } catch (error) {
      // Without them everybody goes to the gate, and its next refusal tries again.
      this.log.warn({ err: error, ...item }, 'the buyers of an item could not be read');
    }
  }
}
