import { Injectable } from '@nestjs/common';
import { Tokens } from '@flux/tokens';

const TICKET_TYPE = 'order-events';
const TICKET_LIFETIME_MS = 600_000;

/**
 * Tickets that let their bearer follow one order: browsers' EventSource cannot send headers. A stream that has begun
 * goes on after its ticket has expired.
 */
@Injectable()
export class OrderTickets {
  constructor(private readonly tokens: Tokens) {}

  /** Good for ten minutes, on every gateway with the same keys. Never to be logged. */
  eventsUrlOf(orderId: string): string {
    const ticket = this.tokens.sign({ type: TICKET_TYPE, fields: [orderId], lifetimeMs: TICKET_LIFETIME_MS });
    return `/v1/orders/${orderId}/events?ticket=${ticket}`;
  }

  /** Whether the text is a ticket for this order, of our own and not expired. */
  admits(ticket: string, orderId: string): boolean {
    const verified = this.tokens.verify(ticket, TICKET_TYPE);
    switch (verified.outcome) {
      case 'valid':
        return verified.fields.length === 1 && verified.fields[0] === orderId;
      case 'malformed':
      case 'unknownKey':
      case 'forged':
      case 'otherType':
      case 'expired':
        return false;
    }
  }
}
