import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Challenge, ChallengeAction } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { ticketIdOf, Tickets } from '@flux/waiting-room';
import { AccessLists } from '../access/access-lists';
import { PassReader } from '../waiting-room/pass-reader';
import type { Room } from '../waiting-room/room';
import { Rooms } from '../waiting-room/rooms.service';

/** Who comes to join or to buy. */
export interface Comer {
  readonly saleId: string;
  readonly action: ChallengeAction;
  readonly shopperId: string;
  readonly ip: string;
}

/** What somebody is asked for. */
export interface AskedChallenge {
  readonly challenge: Exclude<Challenge, 'none'>;
  /** The sale's own difficulty; undefined: the usual one. */
  readonly bits: number | undefined;
  /** Who the shopper is in this sale, and no name. */
  readonly subject: string;
}

/** 126 bits. */
const SUBJECT_LENGTH = 21;

/**
 * What each sale asks for, from the settings of its waiting room: gateways have them in memory, and hear of a change
 * within a tick.
 */
@Injectable()
export class SaleChallenges {
  constructor(
    private readonly rooms: Rooms,
    private readonly access: AccessLists,
    private readonly passes: PassReader,
    private readonly tickets: Tickets,
  ) {}

  /** The sale's room, where its settings are in memory. Whether it stands in front of the sale makes no difference. */
  known(saleId: string): Room | undefined {
    return this.rooms.known(saleId);
  }

  /** @throws GateUnavailableError where nobody can tell: a sale that asks for something must not be entered without it */
  async meet(saleId: string): Promise<Room> {
    const room = this.rooms.known(saleId) ?? (await this.rooms.meet(saleId));
    if (!room.isKnown) throw new GateUnavailableError('none', 'the settings of the sale could not be read');
    return room;
  }

  isAsking({ config }: Room): boolean {
    return (config?.challenge ?? 'none') !== 'none';
  }

  /** Undefined where nothing is asked of this one. */
  askedOf({ config }: Room, { shopperId, ip }: Comer): AskedChallenge | undefined {
    const challenge = config?.challenge ?? 'none';
    if (config === undefined || challenge === 'none') return undefined;
    const isTrusted = this.access.ofShopper(shopperId) === 'allow' || this.access.ofAddress(ip) === 'allow';
    if (isTrusted) return undefined;
    return { challenge, bits: config.challengeBits, subject: subjectOf(config.salt, shopperId) };
  }

  /** Whether the shopper has come through the line, where a challenge was met: a pass sells once, or gives a replay. */
  hasPass(room: Room, shopperId: string, pass: string | undefined): boolean {
    const standing = room.standing(performance.now());
    if (standing === undefined || standing.state === 'off') return false;
    const { kind } = this.passes.read(pass, room, shopperId);
    return kind === 'good' || kind === 'expired';
  }

  /** Whether the shopper met a challenge for this line before: a ticket gives no second place. */
  hasTicket({ saleId, config }: Room, shopperId: string, ticket: string | undefined): boolean {
    if (ticket === undefined || config === undefined) return false;
    const reading = this.tickets.readTicket(ticket, saleId);
    return reading.outcome === 'ticket' && reading.ticket.ticketId === ticketIdOf(config.salt, shopperId);
  }
}

/** Not the ticket id, which the list of a draw publishes: a challenge is given to whoever claims to be the shopper. */
function subjectOf(salt: string, shopperId: string): string {
  return createHmac('sha256', Buffer.from(salt, 'hex'))
    .update(`challenge:${shopperId}`)
    .digest('base64url')
    .slice(0, SUBJECT_LENGTH);
}
