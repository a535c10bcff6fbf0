import { createHash, createHmac } from 'node:crypto';

/** 84 bits in base64url: two of a million shoppers share one with a probability of 10^-14. */
const TICKET_ID_LENGTH = 14;
export const TICKET_ID_PATTERN = /^[A-Za-z0-9_-]{14}$/;

/** A rank is the number of so many leading bytes of its HMAC: below every place that a clock gives (microseconds). */
const RANK_BYTES = 6;

/** Who somebody is in a sale's line: the same for every ticket of a shopper, and no name. @param salt hex */
export function ticketIdOf(salt: string, shopperId: string): string {
  return createHmac('sha256', Buffer.from(salt, 'hex'))
    .update(shopperId)
    .digest('base64url')
    .slice(0, TICKET_ID_LENGTH);
}

/** What is published before anybody joins. @param seed 32 bytes in hex @returns hex */
export function commitmentOf(seed: string): string {
  return createHash('sha256').update(Buffer.from(seed, 'hex')).digest('hex');
}

/** The digest of a list of ticket ids, piece by piece. The ids must come in byte order. */
export class ListHash {
  private readonly hash = createHash('sha256');
  private isEmpty = true;

  add(ticketIds: readonly string[]): void {
    if (ticketIds.length === 0) return;
    this.hash.update(`${this.isEmpty ? '' : '\n'}${ticketIds.join('\n')}`);
    this.isEmpty = false;
  }

  /** Hex; nothing can be added afterwards. */
  digest(): string {
    return this.hash.digest('hex');
  }
}

/** What the ranks of a draw depend on. */
export interface DrawKey {
  /** Hex. */
  readonly seed: string;
  /** Hex. */
  readonly listHash: string;
  /** Empty where no beacon was named. */
  readonly beacon: string;
}

/**
 * The rank that the draw gives to a ticket: HMAC-SHA256(seed || hash of the list || beacon, ticket id), its first 48
 * bits. The lowest rank is called first; of two equal ones the ticket id that is first in byte order.
 */
export function rankOf({ seed, listHash, beacon }: DrawKey, ticketId: string): number {
  const key = Buffer.concat([Buffer.from(seed, 'hex'), Buffer.from(listHash, 'hex'), Buffer.from(beacon)]);
  return createHmac('sha256', key).update(ticketId).digest().readUIntBE(0, RANK_BYTES);
}
