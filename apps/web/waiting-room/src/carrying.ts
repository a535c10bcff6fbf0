import type { QueueAnswer } from '@flux/contracts';
import type { Store } from './store';

/** A shop that sends its shoppers here again and again is left alone for so long. */
const OPEN_PAUSE_MS = 60_000;

/**
 * Whether the page may open the shop by itself. Once for each turn, and where there is no line once a minute: a shopper who
 * comes back, or whom the shop sends back, finds a button and no loop.
 */
export class Carrying {
  private readonly key: string;

  constructor(
    private readonly store: Store,
    saleId: string,
  ) {
    this.key = `flux-carried-${saleId}`;
  }

  /** Answers true only once for what it answers true for. */
  begin(answer: QueueAnswer, nowMs: number): boolean {
    const reason = reasonOf(answer);
    if (reason === undefined) return false;
    const [carried, atMs] = (this.store.get(this.key) ?? '').split(' ');
    const repeated = carried === reason && (reason !== 'open' || nowMs - Number(atMs) < OPEN_PAUSE_MS);
    if (repeated) return false;
    this.store.set(this.key, `${reason} ${nowMs}`);
    return true;
  }
}

/** A turn is known by when its shopper joined: its pass may be signed anew. */
function reasonOf({ status, joinedAt, pass }: QueueAnswer): string | undefined {
  if (status === 'open') return 'open';
  return status === 'turn' ? (joinedAt ?? pass) : undefined;
}
