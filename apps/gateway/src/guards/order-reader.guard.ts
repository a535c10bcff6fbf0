import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { OrderTickets } from '../order-events/order-tickets';
import { IDENTITY, type Identity } from './identity';
import { factsOf, type OrderReader } from './request-facts';

interface OrderEventsRequest {
  readonly Params: { readonly orderId: string };
  /** A parameter that is sent twice is a list. */
  readonly Querystring: { readonly ticket?: unknown };
}

/**
 * Who wants to follow the order: the bearer of its ticket, or, without one, a shopper by the usual headers. Sets
 * `reader`; else 401. A ticket that is not good is not made up for by headers.
 */
@Injectable()
export class OrderReaderGuard implements CanActivate {
  constructor(
    private readonly tickets: OrderTickets,
    @Inject(IDENTITY) private readonly identity: Identity,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<OrderEventsRequest>>();
    const { ticket } = request.query;
    factsOf(request).reader =
      ticket === undefined ? await this.shopperOf(request) : this.bearerOf(ticket, request.params.orderId);
    return true;
  }

  private async shopperOf({ headers }: Pick<FastifyRequest, 'headers'>): Promise<OrderReader> {
    const shopperId = await this.identity.verified(headers);
    if (shopperId === undefined) throw unauthenticated('Send a ticket or valid credentials.');
    return { kind: 'shopper', shopperId };
  }

  private bearerOf(ticket: unknown, orderId: string): OrderReader {
    if (typeof ticket === 'string' && this.tickets.admits(ticket, orderId)) return { kind: 'ticket' };
    throw unauthenticated('The ticket is not valid. Read the order to get another.');
  }
}

function unauthenticated(detail: string): ProblemError {
  return new ProblemError('unauthenticated', detail);
}
