import type { ItemRef } from '@flux/contracts';
import type { ReserveOutcome, ReserveRequest } from '@flux/gate';
import { setTimeout as pause } from 'node:timers/promises';
import { prove, purchase, type GateClients } from './gate-fixtures';
import { waitUntil } from './wait-until';

const SHOPPERS = 8;
/** Before a shopper asks again. */
const PATIENCE_MS = 20;

/**
 * Shoppers who buy one unit after the other, eight at a time, and ask again with the same key until the gate decides.
 * What the gate told them is their own record: servers' data alone cannot show a loss. A gate on a new server they prove,
 * as an admin process would.
 */
export class Crowd {
  /** Every word that the gate said, with how often. */
  readonly answers = new Map<ReserveOutcome['outcome'], number>();
  /** Purchases that were acknowledged: accepted, or replayed after an answer that did not come. */
  readonly bought: ReserveRequest[] = [];
  /** Purchases that nobody knows the end of. */
  readonly undecided: ReserveRequest[] = [];
  private readonly shoppers: readonly Promise<void>[];
  private leaving = false;
  private asked = 0;
  private failure: Error | undefined;

  constructor(
    private readonly clients: GateClients,
    private readonly items: readonly ItemRef[],
  ) {
    this.shoppers = Array.from({ length: SHOPPERS }, () =>
      this.shop().catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
        this.leaving = true;
      }),
    );
  }

  /**
   * Resolves when so many more purchases are acknowledged.
   * @throws where the gate has decided against one: there is enough for everyone
   */
  async hasBought(more: number): Promise<void> {
    const wanted = this.bought.length + more;
    await waitUntil(
      `${more} more purchases`,
      () => this.bought.length >= wanted || this.failure !== undefined,
    );
    if (this.failure !== undefined) throw this.failure;
  }

  /** Whoever is asking hears the answer, and asks no more. Throws as `hasBought` does. */
  async leave(): Promise<readonly ReserveRequest[]> {
    this.leaving = true;
    await Promise.all(this.shoppers);
    if (this.failure !== undefined) throw this.failure;
    return this.bought;
  }

  private async shop(): Promise<void> {
    while (!this.leaving) {
      const item = this.items[this.asked % this.items.length];
      this.asked += 1;
      if (item === undefined) return;
      const request = purchase(item);
      if (await this.isBought(request)) this.bought.push(request);
      else this.undecided.push(request);
    }
  }

  private async isBought(request: ReserveRequest): Promise<boolean> {
    for (;;) {
      const { outcome } = await this.clients.gate.reserve(request);
      this.answers.set(outcome, (this.answers.get(outcome) ?? 0) + 1);
      if (outcome === 'accepted' || outcome === 'replayed') return true;
      if (outcome === 'notReady') await prove(this.clients.connection, request).catch(() => undefined);
      else if (outcome !== 'unknown' && outcome !== 'unavailable')
        throw new Error(`the purchase is ${outcome}`);
      if (this.leaving) return false;
      // Of a test that has failed nobody waits for the shoppers.
      await pause(PATIENCE_MS, undefined, { ref: false });
    }
  }
}
