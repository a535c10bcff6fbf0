/** How early a look may come: timers of browsers and of servers are not exact. */
const LEEWAY_MS = 250;

/** Places remembered; the one that looked longest ago is forgotten first. */
const MAX_TICKETS = 200_000;

interface LookingTicket {
  readonly saleId: string;
  readonly ticketId: string;
}

/**
 * Whoever looks faster than they were told is sent away without a question to Redis. Each gateway knows its own looks:
 * over several, somebody may look so many times as often.
 */
export class LookPace {
  private readonly notBefore = new Map<string, number>();

  /** Milliseconds that are left until the ticket may look; 0 where it may now. */
  tooEarlyMs(ticket: LookingTicket, nowMs: number): number {
    return Math.max(0, (this.notBefore.get(nameOf(ticket)) ?? 0) - LEEWAY_MS - nowMs);
  }

  told(ticket: LookingTicket, askAgainMs: number, nowMs: number): void {
    const name = nameOf(ticket);
    this.notBefore.delete(name);
    this.notBefore.set(name, nowMs + askAgainMs);
    if (this.notBefore.size <= MAX_TICKETS) return;
    const [oldest] = this.notBefore.keys();
    if (oldest !== undefined) this.notBefore.delete(oldest);
  }
}

function nameOf({ saleId, ticketId }: LookingTicket): string {
  return `${saleId}.${ticketId}`;
}
