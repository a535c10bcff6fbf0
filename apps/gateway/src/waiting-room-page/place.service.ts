import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { ProblemError, type ErrorCode, type QueueAnswer } from '@flux/contracts';
import type { Situation } from '@flux/waiting-room-page';
import { JoinChallengeGuard } from '../challenge/challenge.guard';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { IDENTITY, type Identity } from '../guards/identity';
import { orUnavailable } from '../or-unavailable';
import { QueueService } from '../waiting-room/queue.service';
import { cookieIn, ticketIn } from '../waiting-room/ticket-in-request';

/** Where a page without a script finds who its shopper is: a JWT, in demo mode the shopper's id. */
const SHOPPER_COOKIE = 'flux-shopper';

/** What a shopper without a script is shown. */
export interface PlaceFound {
  readonly situation: Situation;
  /** The line could not be seen; when to try again. */
  readonly unreachableForSeconds?: number;
  /** When to ask again where no answer says it. */
  readonly askAgainSeconds?: number;
}

/** A shopper's place, asked for with cookies alone. No method throws for what a shopper can meet. */
@Injectable()
export class PlaceService {
  constructor(
    private readonly queue: QueueService,
    private readonly challenge: JoinChallengeGuard,
    @Inject(IDENTITY) private readonly identity: Identity,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
  ) {}

  async look(saleId: string, headers: IncomingHttpHeaders): Promise<PlaceFound> {
    const ticket = ticketIn(headers, saleId);
    return found(ticket !== undefined, async () => {
      if (ticket !== undefined)
        return answered(this.queue.look(saleId, this.queue.readTicket(saleId, ticket)));
      const shopper = await this.shopperOf(headers);
      return { kind: shopper === undefined ? 'stranger' : 'outside' };
    });
  }

  /** @param ip whose address it is, for lists of addresses */
  async join(saleId: string, headers: IncomingHttpHeaders, ip: string): Promise<PlaceFound> {
    const ticket = ticketIn(headers, saleId);
    return found(ticket !== undefined, async () => {
      const shopper = await this.shopperOf(headers);
      if (shopper === undefined) return { kind: 'stranger' };
      const comer = { saleId, action: 'join', shopperId: shopper, ip } as const;
      // Without a script nobody can meet a challenge.
      if (await orUnavailable(this.challenge.isAsked(comer, ticket))) return { kind: 'scriptNeeded' };
      return answered(this.queue.join(saleId, shopper, ticket).then(({ answer }) => answer));
    });
  }

  /** By the same rules as a purchase, with the cookie in the place of the header. */
  private async shopperOf(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const cookie = cookieIn(headers, SHOPPER_COOKIE);
    if (cookie === undefined) return undefined;
    const credentials =
      this.config.FLUX_AUTH === 'demo' ? { 'x-shopper-id': cookie } : { authorization: `Bearer ${cookie}` };
    return this.identity.verified(credentials);
  }
}

async function answered(asked: Promise<QueueAnswer>): Promise<Situation> {
  return { kind: 'answered', answer: await orUnavailable(asked) };
}

async function found(hasTicket: boolean, look: () => Promise<Situation>): Promise<PlaceFound> {
  try {
    return { situation: await look() };
  } catch (error) {
    if (error instanceof ProblemError) return afterProblem(error, hasTicket);
    throw error;
  }
}

const ASK_AGAIN_SECONDS = 10;

const KNOWN_PROBLEMS: Partial<Record<ErrorCode, Situation['kind']>> = {
  'unknown-sale': 'unknownSale',
  'sale-closed': 'over',
  'sale-not-open': 'notYet',
  'ticket-invalid': 'lost',
  'not-in-line': 'lost',
};
const UNREACHABLE: readonly ErrorCode[] = ['not-ready', 'temporarily-unavailable', 'outcome-unknown'];

function afterProblem(problem: ProblemError, hasTicket: boolean): PlaceFound {
  const { code, extra } = problem;
  const seconds = extra.retryAfterSeconds ?? ASK_AGAIN_SECONDS;
  if (UNREACHABLE.includes(code)) {
    return { situation: { kind: 'connecting', hasTicket }, unreachableForSeconds: seconds };
  }
  const kind = KNOWN_PROBLEMS[code];
  if (kind === undefined || kind === 'answered') throw problem;
  return { situation: { kind }, ...(kind === 'notYet' ? { askAgainSeconds: seconds } : {}) };
}
