import type { LedgerEvent } from '@flux/contracts';

/** Where an item's ledger row stands. */
export interface LogPlace {
  readonly version: number;
  /** `changed_at` in microseconds, as PostgreSQL keeps it. */
  readonly changedAt: bigint;
}

export type LogStep =
  /** The event directly follows. */
  | { readonly outcome: 'next' }
  /** The item is there already, or beyond. */
  | { readonly outcome: 'known' }
  /** Events are missing before this one. */
  | { readonly outcome: 'gap'; readonly missing: number }
  /** The event belongs to another history: two databases wrote the same versions. */
  | { readonly outcome: 'otherHistory' };

/**
 * A publisher that dies sends again what it had not taken out of its queue: it remembers no more rows than these
 * (`OrderEventQueue`), so what lies further back is no repeat.
 */
const MOST_REPEATED = 10_000;

/** What has been read of one item's log, to tell repeats, gaps and other histories from what comes next. */
export class ItemLog {
  private readonly seen = new Map<number, bigint>();
  private newest = 0;

  /** @param place where the item's row stands; undefined where the database has no such item */
  judge(event: LedgerEvent, place: LogPlace | undefined): LogStep {
    const changedAt = microsOf(event.ledger.changed_at);
    if (!this.note(event.version, changedAt)) return { outcome: 'otherHistory' };
    if (place === undefined) {
      return event.version === 1 ? { outcome: 'next' } : { outcome: 'gap', missing: 1 };
    }
    if (event.version < place.version) return { outcome: 'known' };
    if (event.version === place.version) {
      return { outcome: changedAt === place.changedAt ? 'known' : 'otherHistory' };
    }
    if (event.version > place.version + 1) return { outcome: 'gap', missing: place.version + 1 };
    const { previous_at: previousAt } = event.ledger;
    const follows = previousAt !== null && microsOf(previousAt) === place.changedAt;
    return { outcome: follows ? 'next' : 'otherHistory' };
  }

  /** @returns false where another event of this version has been read */
  private note(version: number, changedAt: bigint): boolean {
    const before = this.seen.get(version);
    if (before !== undefined) return before === changedAt;
    if (version <= this.newest - MOST_REPEATED) return false;
    this.seen.set(version, changedAt);
    this.newest = Math.max(this.newest, version);
    this.seen.delete(version - MOST_REPEATED);
    return true;
  }
}

export function placeOf({ version, ledger }: LedgerEvent): LogPlace {
  return { version, changedAt: microsOf(ledger.changed_at) };
}

/** A Date would lose the last three digits. */
function microsOf(time: string): bigint {
  const [whole, fraction = ''] = [time.replace(/\.\d+/, ''), /\.(\d{1,6})/.exec(time)?.[1]];
  return BigInt(Date.parse(whole)) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}
