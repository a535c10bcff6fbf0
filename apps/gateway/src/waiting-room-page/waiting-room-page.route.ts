import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ProblemError, saleIdSchema } from '@flux/contracts';
import { clientIpOf } from '@flux/http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { matchesEtag } from '../etag';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { cookieIn, ticketCookie } from '../waiting-room/ticket-in-request';
import { placePageOf } from './place-page';
import { PlaceService, type PlaceFound } from './place.service';
import { WaitingRoomPage, type PageFile } from './waiting-room-page';

type SaleRequest = FastifyRequest<{
  readonly Params: { readonly saleId: string };
  readonly Querystring: { readonly return?: unknown };
}>;

const PATH = '/waiting-room/:saleId';
/** A page that is changed in mid-sale reaches everybody soon. */
const CACHED = 'public, max-age=60';
/** A shop that sends its shoppers here again and again is left alone for so long; a turn is longer over by then. */
const CARRIED_SECONDS = { open: 60, turn: 86_400 };

/**
 * The waiting room's page: the static file, for any cache in front of it, and `place`, the same file with its values
 * filled in for browsers that run no script.
 */
@Injectable()
export class WaitingRoomPageRoute implements OnModuleInit {
  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly page: WaitingRoomPage,
    private readonly places: PlaceService,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.get(PATH, (request, reply) => toFolder(request as SaleRequest, reply));
    fastify.get(`${PATH}/`, (request, reply) => this.file(request as SaleRequest, reply));
    fastify.get('/waiting-room/config.json', (request, reply) => {
      const type = 'application/json; charset=utf-8';
      return sendFile(request, reply.headers({ 'content-type': type }), this.page.read().configFile);
    });
    fastify.get(`${PATH}/place`, (request, reply) => this.place(request as SaleRequest, reply));
    void fastify.register((forms, _options, done) => {
      // The form has no fields; browsers send its type all the same, and nothing else here takes it.
      forms.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string' },
        (_form, _body, parsed) => {
          parsed(null);
        },
      );
      forms.post(`${PATH}/place`, (request, reply) => this.join(request as SaleRequest, reply));
      done();
    });
  }

  private file(request: SaleRequest, reply: FastifyReply): FastifyReply {
    assertSaleId(request.params.saleId);
    const { html, contentSecurityPolicy } = this.page.read();
    return sendFile(request, htmlHeaders(reply, contentSecurityPolicy), html);
  }

  private async place(request: SaleRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { saleId } = request.params;
    assertSaleId(saleId);
    return this.sendPlace(request, reply, await this.places.look(saleId, request.headers));
  }

  private async join(request: SaleRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { saleId } = request.params;
    assertSaleId(saleId);
    const place = await this.places.join(saleId, request.headers, clientIpOf(request));
    const { situation } = place;
    if (situation.kind !== 'answered' || situation.answer.ticket === undefined) {
      return this.sendPlace(request, reply, place);
    }
    const isSecure = this.config.NODE_ENV === 'production';
    return reply
      .headers({
        'set-cookie': ticketCookie(saleId, situation.answer.ticket, isSecure),
        'cache-control': 'no-store',
      })
      .redirect(`place${queryOf(request)}`, 303);
  }

  private sendPlace(request: SaleRequest, reply: FastifyReply, place: PlaceFound): FastifyReply {
    const { saleId } = request.params;
    const { return: wanted } = request.query;
    const { html, contentSecurityPolicy, carriesFor } = placePageOf(this.page.read(), place, {
      saleId,
      wanted: typeof wanted === 'string' ? wanted : undefined,
      acceptLanguage: request.headers['accept-language'],
      carriedFor: cookieIn(request.headers, carriedCookieOf(saleId)),
    });
    const cookies = [
      ...renewedTicket(place, saleId, this.config.NODE_ENV === 'production'),
      ...(carriesFor === undefined ? [] : [carriedCookie(saleId, carriesFor)]),
    ];
    if (cookies.length > 0) void reply.header('set-cookie', cookies);
    if (place.unreachableForSeconds !== undefined) {
      void reply.header('retry-after', String(place.unreachableForSeconds));
    }
    return htmlHeaders(reply, contentSecurityPolicy)
      .status(statusOf(place))
      .header('cache-control', 'no-store')
      .send(html);
  }
}

/** With the slash at its end, the page finds what is beside it. Relative: a proxy may serve it below another path. */
function toFolder(request: SaleRequest, reply: FastifyReply): FastifyReply {
  const { saleId } = request.params;
  assertSaleId(saleId);
  return reply.redirect(`${saleId}/${queryOf(request)}`, 302);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, { body, etag }: PageFile): FastifyReply {
  void reply.headers({ 'cache-control': CACHED, etag, 'x-content-type-options': 'nosniff' });
  const isKnown = matchesEtag(request.headers['if-none-match'], etag);
  return isKnown ? reply.status(304).send() : reply.send(body);
}

function htmlHeaders(reply: FastifyReply, contentSecurityPolicy: string): FastifyReply {
  return reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
}

function assertSaleId(saleId: string): void {
  if (!saleIdSchema.safeParse(saleId).success) {
    throw new ProblemError('not-found', 'There is nothing at this address.');
  }
}

function statusOf({ situation, unreachableForSeconds }: PlaceFound): number {
  if (unreachableForSeconds !== undefined) return 503;
  return situation.kind === 'unknownSale' ? 404 : 200;
}

function queryOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}

/** A ticket whose place is gone would only be refused again. */
function renewedTicket({ situation }: PlaceFound, saleId: string, isSecure: boolean): readonly string[] {
  if (situation.kind === 'lost') return [`${ticketCookie(saleId, '', isSecure)}; Max-Age=0`];
  const ticket = situation.kind === 'answered' ? situation.answer.ticket : undefined;
  return ticket === undefined ? [] : [ticketCookie(saleId, ticket, isSecure)];
}

function carriedCookieOf(saleId: string): string {
  return `flux-carried-${saleId}`;
}

function carriedCookie(saleId: string, reason: string): string {
  const seconds = reason === 'open' ? CARRIED_SECONDS.open : CARRIED_SECONDS.turn;
  return `${carriedCookieOf(saleId)}=${reason}; Max-Age=${seconds}; HttpOnly; SameSite=Lax`;
}
