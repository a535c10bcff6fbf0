import type { QueueAnswer } from '@flux/contracts';
import type { Store } from './store';

interface Kept {
  readonly ticket: string;
  /** The first place that the shopper was shown with it. */
  readonly firstPlace?: number | undefined;
}

/** The shopper's ticket for one sale: kept beyond the tab, for whoever comes back later keeps the place. */
export class KeptTicket {
  private readonly key: string;

  constructor(
    private readonly store: Store,
    saleId: string,
  ) {
    this.key = `flux-ticket-${saleId}`;
  }

  read(): Kept | undefined {
    try {
      const kept = JSON.parse(this.store.get(this.key) ?? 'null') as Partial<Kept> | null;
      const { ticket, firstPlace } = kept ?? {};
      if (typeof ticket !== 'string') return undefined;
      return { ticket, firstPlace: typeof firstPlace === 'number' ? firstPlace : undefined };
    } catch {
      return undefined;
    }
  }

  /** @returns the first place shown */
  note(answer: QueueAnswer): number | undefined {
    const known = this.read();
    const ticket = answer.ticket ?? known?.ticket;
    if (ticket === undefined) return undefined;
    const firstPlace = known?.firstPlace ?? answer.place;
    this.store.set(this.key, JSON.stringify({ ticket, firstPlace }));
    return firstPlace;
  }

  forget(): void {
    this.store.remove(this.key);
  }
}
