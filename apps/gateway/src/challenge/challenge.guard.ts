import { Injectable } from '@nestjs/common';
import { orderIdOf, saleIdSchema, type Refusal } from '@flux/contracts';
import { clientIpOf } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from '../guards/check.guard';
import { factOf } from '../guards/request-facts';
import { orUnavailable } from '../or-unavailable';
import { RefusalCounts } from '../orders/refusal-counts';
import { SaleRoutes } from '../orders/sale-routes';
import { SaleDirectory } from '../sales/sale-directory';
import type { Room } from '../waiting-room/room';
import { ticketIn } from '../waiting-room/ticket-in-request';
import { ChallengeService } from './challenge.service';
import { SaleChallenges, type AskedChallenge, type Comer } from './sale-challenges';

type Checked = Refusal | undefined | Promise<Refusal | undefined>;

/**
 * Has the shopper met what the sale asks for before it sells? Else 403 with where the challenge is. A sale that asks for
 * nothing costs a look into memory. Who comes with a pass of the line met it there.
 */
@Injectable()
export class PurchaseChallengeGuard extends CheckGuard {
  constructor(
    private readonly routes: SaleRoutes,
    private readonly sales: SaleChallenges,
    private readonly challenges: ChallengeService,
    private readonly refusals: RefusalCounts,
  ) {
    super();
  }

  override check(request: FastifyRequest): Checked {
    const { productId, saleId: named } = factOf(request, 'wish');
    const route = this.routes.remembered(productId, named);
    const room = route?.outcome === 'sale' ? this.sales.known(route.saleId) : undefined;
    return room === undefined ? orUnavailable(this.checkUnknown(request)) : this.checkIn(room, request);
  }

  /** @throws GateUnavailableError */
  private async checkUnknown(request: FastifyRequest): Promise<Refusal | undefined> {
    const { productId, saleId: named } = factOf(request, 'wish');
    const route = await this.routes.find(productId, named);
    // What is not on sale is refused by whoever sells.
    if (route.outcome !== 'sale') return undefined;
    return this.checkIn(await this.sales.meet(route.saleId), request);
  }

  private checkIn(room: Room, request: FastifyRequest): Checked {
    if (!this.sales.isAsking(room)) return undefined;
    const { saleId } = room;
    const { productId, idempotencyKey, pass } = factOf(request, 'wish');
    const shopperId = factOf(request, 'shopper');
    const comer: Comer = { saleId, action: 'purchase', shopperId, ip: clientIpOf(request) };
    const asked = this.sales.askedOf(room, comer);
    if (asked === undefined || this.sales.hasPass(room, shopperId, pass)) return undefined;
    const binding = orderIdOf({ saleId, productId, shopperId, idempotencyKey });
    return this.challenges.judge(comer, asked, { text: challengeIn(request), binding }).then((refusal) => {
      if (refusal !== undefined) this.refusals.count(saleId, refusal.code);
      return refusal;
    });
  }
}

type JoinRequest = FastifyRequest<{ readonly Params: { readonly saleId: string } }>;

/** The same in front of a sale's line. Who has a ticket of their own met it when they got that. */
@Injectable()
export class JoinChallengeGuard extends CheckGuard {
  constructor(
    private readonly directory: SaleDirectory,
    private readonly sales: SaleChallenges,
    private readonly challenges: ChallengeService,
  ) {
    super();
  }

  override check(request: FastifyRequest): Promise<Refusal | undefined> {
    const { saleId } = (request as JoinRequest).params;
    const shopperId = factOf(request, 'shopper');
    const comer: Comer = { saleId, action: 'join', shopperId, ip: clientIpOf(request) };
    return orUnavailable(this.refusal(comer, request));
  }

  /**
   * Whether somebody is asked for a challenge.
   * @throws GateUnavailableError
   */
  async isAsked(comer: Comer, ticket: string | undefined): Promise<boolean> {
    return (await this.askedOf(comer, ticket)) !== undefined;
  }

  private async refusal(comer: Comer, request: FastifyRequest): Promise<Refusal | undefined> {
    const { saleId } = comer;
    const asked = await this.askedOf(comer, ticketIn(request.headers, saleId));
    if (asked === undefined) return undefined;
    const binding = `join.${saleId}.${asked.subject}`;
    return this.challenges.judge(comer, asked, { text: challengeIn(request), binding });
  }

  private async askedOf(comer: Comer, ticket: string | undefined): Promise<AskedChallenge | undefined> {
    const { saleId, shopperId } = comer;
    const isSale =
      saleIdSchema.safeParse(saleId).success && (await this.directory.find(saleId)) !== undefined;
    // Of a sale that is not there the line itself tells.
    if (!isSale) return undefined;
    const room = await this.sales.meet(saleId);
    return this.sales.hasTicket(room, shopperId, ticket) ? undefined : this.sales.askedOf(room, comer);
  }
}

/** The header `x-challenge`: a proof of work, or the answer of a captcha's widget. */
function challengeIn({ headers }: FastifyRequest): string | undefined {
  const text = headers['x-challenge'];
  // Node joins a header that is sent twice: no answer looks like that.
  return text === undefined ? undefined : String(text);
}
