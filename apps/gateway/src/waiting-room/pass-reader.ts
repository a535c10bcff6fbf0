import { Injectable } from '@nestjs/common';
import { passIdOf, ticketIdOf, type Pass, Tickets } from '@flux/waiting-room';
import type { Room } from './room';

/** What a request's pass is worth. */
export type PassClaim =
  | { readonly kind: 'none' }
  | { readonly kind: 'good'; readonly passId: string; readonly ticketId: string }
  /** Genuine and the shopper's own, and its time is over: good for a replay. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'bad' };

const NONE: PassClaim = { kind: 'none' };
const BAD: PassClaim = { kind: 'bad' };
const EXPIRED: PassClaim = { kind: 'expired' };

/** Reads the header `x-pass`. */
@Injectable()
export class PassReader {
  constructor(private readonly tickets: Tickets) {}

  /** @param shopperId whose the pass has to be */
  read(text: string | undefined, { saleId, config }: Room, shopperId: string): PassClaim {
    if (text === undefined) return NONE;
    if (config === undefined) return BAD;
    const reading = this.tickets.readPass(text, saleId);
    if (reading.outcome === 'invalid') return BAD;
    const { pass } = reading;
    if (pass.ticketId !== ticketIdOf(config.salt, shopperId)) return BAD;
    return reading.outcome === 'expired' ? EXPIRED : goodPass(pass);
  }
}

function goodPass(pass: Pass): PassClaim {
  return { kind: 'good', passId: passIdOf(pass), ticketId: pass.ticketId };
}
