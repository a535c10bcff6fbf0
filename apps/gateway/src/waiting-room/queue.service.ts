import { Injectable } from '@nestjs/common';
import { ProblemError, saleIdSchema, type QueueAnswer } from '@flux/contracts';
import { Metrics } from '@flux/telemetry';
import {
  RoomClient,
  rankOf,
  ticketIdOf,
  Tickets,
  type RoomConfig,
  type RoomStanding,
  type Ticket,
  type VisitOutcome,
} from '@flux/waiting-room';
import { SaleDirectory } from '../sales/sale-directory';
import { openAnswer, soldOutAnswer, waitingAnswer } from './queue-answer';
import type { Room } from './room';
import { queueUrlOf } from './room-refusal';
import { Rooms } from './rooms.service';

/** A ticket outlives its sale by so much: its bearer is told that it is over. */
const AFTERWARDS_MS = 3_600_000;

/** A ticket as its bearer sent it. */
export interface HeldTicket {
  readonly ticket: Ticket;
  readonly text: string;
  /** Its key is on its way out: it is to be replaced. */
  readonly isRenewable: boolean;
}

interface KnownRoom {
  readonly room: Room;
  readonly config: RoomConfig;
  readonly standing: RoomStanding | undefined;
}

/** How a shopper who joins was received. */
export interface Reception {
  readonly answer: QueueAnswer;
  /** The place was given just now. */
  readonly isNew: boolean;
}

/**
 * The line of each sale, for people. All methods throw ProblemError `unknown-sale`, `sale-closed`, `sale-not-open`,
 * `not-ready`, and GateUnavailableError.
 */
@Injectable()
export class QueueService {
  private readonly visits;

  constructor(
    private readonly rooms: Rooms,
    private readonly client: RoomClient,
    private readonly tickets: Tickets,
    private readonly directory: SaleDirectory,
    metrics: Metrics,
  ) {
    this.visits = metrics.counter({
      name: 'queue_visits_total',
      help: 'Visits at waiting rooms, by what their callers did and were told',
      labels: ['verb', 'outcome'],
    });
  }

  /** A place in line: the earliest that the shopper ever had there. @param text an earlier ticket, good or not */
  async join(saleId: string, shopperId: string, text: string | undefined): Promise<Reception> {
    const known = await this.room(saleId);
    const ticketId = ticketIdOf(known.config.salt, shopperId);
    const sent = text === undefined ? undefined : this.heldTicket(saleId, text);
    const held = sent?.ticket.ticketId === ticketId ? sent : undefined;
    const outcome = await this.visit('join', known, { ticketId, ticket: held?.ticket });
    const isNew = outcome.outcome === 'waiting' && outcome.isNew;
    const ticket = isNew ? undefined : held?.ticket;
    const signed = this.signed(known.config, ticket ?? newTicket(known.config, ticketId, outcome));
    return { answer: this.answerTo(known, outcome, { ...signed, isRenewable: true }), isNew };
  }

  /** The ticket that a text is. @throws ProblemError `unauthenticated`, `ticket-invalid` */
  readTicket(saleId: string, text: string | undefined): HeldTicket {
    if (text === undefined) throw new ProblemError('unauthenticated', 'Send the ticket of this line.');
    const held = this.heldTicket(saleId, text);
    if (held !== undefined) return held;
    throw new ProblemError('ticket-invalid', 'The ticket is not valid in this line. Join again.');
  }

  /** How the ticket's place stands; with another ticket where its key is on its way out. @throws ProblemError `not-in-line` */
  async look(saleId: string, held: HeldTicket): Promise<QueueAnswer> {
    const known = await this.room(saleId);
    const { ticket } = held;
    const outcome = await this.visit('look', known, { ticketId: ticket.ticketId, ticket });
    const current = held.isRenewable ? { ...this.signed(known.config, ticket), isRenewable: true } : held;
    return this.answerTo(known, outcome, current);
  }

  /** Calls the listener when it is worth looking again at once. @returns a function that ends the listening */
  follow(saleId: string, listener: () => void): () => void {
    return this.rooms.follow(saleId, listener);
  }

  /** Gives the place up, or the place inside. May be repeated. */
  async leave(saleId: string, ticket: Ticket): Promise<void> {
    await this.visit('leave', await this.room(saleId), { ticketId: ticket.ticketId, ticket });
  }

  /** A ticket with which the documented examples work: as if its shopper had joined now and been forgotten. */
  async exampleTicket(saleId: string, shopperId: string): Promise<string> {
    const { config } = await this.room(saleId);
    const ticketId = ticketIdOf(config.salt, shopperId);
    return this.signed(config, { saleId, ticketId, joinedAtUs: Date.now() * 1_000 }).text;
  }

  private heldTicket(saleId: string, text: string): HeldTicket | undefined {
    const reading = this.tickets.readTicket(text, saleId);
    return reading.outcome === 'ticket'
      ? { ticket: reading.ticket, text, isRenewable: reading.isRenewable }
      : undefined;
  }

  private signed({ closesAtMs }: RoomConfig, ticket: Ticket): Pick<HeldTicket, 'ticket' | 'text'> {
    const lifetimeMs = closesAtMs + AFTERWARDS_MS - Date.now();
    return { ticket, text: this.tickets.ticketText(ticket, lifetimeMs) };
  }

  private async room(saleId: string): Promise<KnownRoom> {
    if (!saleIdSchema.safeParse(saleId).success) throw unknownSale();
    const sale = await this.directory.find(saleId);
    if (sale === undefined) throw unknownSale();
    if (sale.state === 'closed' || sale.state === 'retired') throw saleClosed();
    const room = this.rooms.known(saleId) ?? (await this.rooms.meet(saleId));
    const nowMs = performance.now();
    room.use(nowMs);
    const { config } = room;
    if (config === undefined) throw notReady();
    return { room, config, standing: room.standing(nowMs) };
  }

  private async visit(
    verb: 'join' | 'look' | 'leave',
    { room, config }: KnownRoom,
    { ticketId, ticket }: { readonly ticketId: string; readonly ticket: Ticket | undefined },
  ): Promise<VisitOutcome> {
    const place = ticket === undefined ? undefined : placeOf(config, ticket);
    const outcome = await this.client.visit(room.saleId, { verb, ticketId, place });
    this.visits.inc({ verb, outcome: outcome.outcome });
    return outcome;
  }

  private answerTo(
    { room, config, standing }: KnownRoom,
    outcome: VisitOutcome,
    held: HeldTicket,
  ): QueueAnswer {
    const { saleId } = room;
    const { ticketId } = held.ticket;
    switch (outcome.outcome) {
      case 'waiting':
        return room.stock?.isExhausted === true
          ? soldOutAnswer(saleId, config)
          : withTicket(waitingAnswer(room, { config, standing }, outcome), held);
      case 'turn': {
        const { place, goodFromMs, atMs } = outcome;
        const expiresAtMs = goodFromMs + config.passMs;
        return {
          ...withTicket({ saleId, status: 'turn', askAgainMs: config.longestPollMs }, held),
          pass: this.tickets.passText({ saleId, ticketId, place }, expiresAtMs - atMs),
          passExpiresAt: new Date(expiresAtMs).toISOString(),
        };
      }
      case 'open':
      case 'left':
        return openAnswer(saleId, config);
      case 'ended':
        throw new ProblemError('not-in-line', 'The ticket has no place in this line any more. Join again.');
      case 'early':
        throw new ProblemError('sale-not-open', 'Nobody can join yet.', {
          retryAfterSeconds: Math.max(1, Math.ceil(outcome.opensInMs / 1_000)),
        });
      case 'over':
        throw saleClosed();
      case 'notReady':
        throw notReady();
    }
  }
}

/** A ticket that the caller has already is not sent again. */
function withTicket(answer: QueueAnswer, { ticket, text, isRenewable }: HeldTicket): QueueAnswer {
  const { saleId, ticketId, joinedAtUs } = ticket;
  return {
    ...answer,
    ...(isRenewable ? { ticket: text } : {}),
    ticketId,
    joinedAt: new Date(Math.floor(joinedAtUs / 1_000)).toISOString(),
    eventsUrl: `${queueUrlOf(saleId)}/events?ticket=${text}`,
  };
}

/** The place that a ticket proves: whoever was in the lobby has the one that was drawn. */
function placeOf({ opensAtMs, draw }: RoomConfig, { ticketId, joinedAtUs }: Ticket): number {
  return draw?.result !== undefined && joinedAtUs < opensAtMs * 1_000
    ? rankOf(draw.result, ticketId)
    : joinedAtUs;
}

/** A place that no clock gave is a rank of the draw: it was joined before the opening. */
function newTicket({ saleId, opensAtMs }: RoomConfig, ticketId: string, outcome: VisitOutcome): Ticket {
  const place = 'place' in outcome ? outcome.place : 0;
  return { saleId, ticketId, joinedAtUs: isRank(place) ? opensAtMs * 1_000 - 1 : place };
}

function isRank(place: number): boolean {
  return place < 2 ** 48;
}

function unknownSale(): ProblemError {
  return new ProblemError('unknown-sale', 'No sale has this id.');
}

function saleClosed(): ProblemError {
  return new ProblemError('sale-closed', 'The sale is over.');
}

function notReady(): ProblemError {
  return new ProblemError('not-ready', 'The line cannot be seen at the moment.');
}
