import { hash } from 'node:crypto';
import { SALE_ID_PATTERN } from '@flux/contracts';
import type { Tokens, VerifiedToken } from '@flux/tokens';
import { TICKET_ID_PATTERN } from './draw';

const TICKET_TYPE = 'queue-ticket';
const PASS_TYPE = 'pass';
const PLACE_PATTERN = /^\d{1,16}$/;

/** A place in a sale's line, signed: what Redis forgets, the ticket still proves. */
export interface Ticket {
  readonly saleId: string;
  readonly ticketId: string;
  /** When it joined, in microseconds of the clock of Redis. */
  readonly joinedAtUs: number;
}

/** Permission to buy in a sale. */
export interface Pass {
  readonly saleId: string;
  /** Whose it is. */
  readonly ticketId: string;
  /** The place in line that it was given for; with the ticket id it makes the pass's id. */
  readonly place: number;
}

export type TicketReading =
  | { readonly outcome: 'ticket'; readonly ticket: Ticket; readonly isRenewable: boolean }
  | { readonly outcome: 'invalid' };

export type PassReading =
  | { readonly outcome: 'pass'; readonly pass: Pass }
  /** Genuine, and its time is over. */
  | { readonly outcome: 'expired'; readonly pass: Pass }
  | { readonly outcome: 'invalid' };

/** Tickets and passes as texts, signed with the process's token keys. */
export class Tickets {
  constructor(private readonly tokens: Tokens) {}

  ticketText({ saleId, ticketId, joinedAtUs }: Ticket, lifetimeMs: number): string {
    return this.tokens.sign({
      type: TICKET_TYPE,
      fields: [saleId, ticketId, String(joinedAtUs)],
      lifetimeMs,
    });
  }

  /** Whatever the text is: it never throws. A ticket of another sale is no ticket. */
  readTicket(text: string, saleId: string): TicketReading {
    const verified = this.tokens.verify(text, TICKET_TYPE);
    const fields = verified.outcome === 'valid' ? fieldsOf(verified, saleId) : undefined;
    if (verified.outcome !== 'valid' || fields === undefined) return { outcome: 'invalid' };
    const { ticketId, place } = fields;
    return {
      outcome: 'ticket',
      ticket: { saleId, ticketId, joinedAtUs: place },
      isRenewable: !verified.isSignedByFirstKey,
    };
  }

  passText({ saleId, ticketId, place }: Pass, lifetimeMs: number): string {
    return this.tokens.sign({ type: PASS_TYPE, fields: [saleId, ticketId, String(place)], lifetimeMs });
  }

  /** Whatever the text is: it never throws. A pass of another sale is no pass. */
  readPass(text: string, saleId: string): PassReading {
    const verified = this.tokens.verify(text, PASS_TYPE);
    if (verified.outcome !== 'valid' && verified.outcome !== 'expired') return { outcome: 'invalid' };
    const fields = fieldsOf(verified, saleId);
    if (fields === undefined) return { outcome: 'invalid' };
    return { outcome: verified.outcome === 'valid' ? 'pass' : 'expired', pass: { saleId, ...fields } };
  }
}

/** 16 characters of [A-Za-z0-9_-]: the same however often the pass is given out. */
export function passIdOf({ saleId, ticketId, place }: Pass): string {
  return hash('sha256', `${saleId} ${ticketId} ${place}`, 'base64url').slice(0, 16);
}

function fieldsOf(
  { fields }: Extract<VerifiedToken, { readonly fields: readonly string[] }>,
  wantedSaleId: string,
): { readonly ticketId: string; readonly place: number } | undefined {
  const [saleId = '', ticketId = '', place = ''] = fields;
  if (fields.length !== 3 || saleId !== wantedSaleId || !SALE_ID_PATTERN.test(saleId)) return undefined;
  if (!TICKET_ID_PATTERN.test(ticketId) || !PLACE_PATTERN.test(place)) return undefined;
  return { ticketId, place: Number(place) };
}
