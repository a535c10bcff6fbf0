import { applyDecorators } from '@nestjs/common';
import { queueAnswerSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, problemResponses } from '@flux/http';
import {
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { CHALLENGE_PARAMETER } from '../challenge/challenge.docs';
import { EXAMPLE } from '../docs-examples';

const { saleId, ticket } = EXAMPLE;
const ticketId = 'bqR1cV9mD0xY4e';
const waiting = {
  saleId,
  status: 'waiting',
  ticketId,
  place: 1_284,
  ahead: 1_283,
  joinedAt: '2026-11-27T09:00:00.123Z',
  estimatedWait: { fromMs: 10_900, toMs: 15_100 },
  likelihood: 'likely',
  askAgainMs: 2_410,
  eventsUrl: `/v1/sales/${saleId}/queue/events?ticket=${ticket}`,
};
const turn = {
  saleId,
  status: 'turn',
  ticketId,
  joinedAt: waiting.joinedAt,
  pass: 'AWsEcGFzcw0x...',
  passExpiresAt: '2026-11-27T09:02:13.000Z',
  askAgainMs: 10_000,
};

const LOOK_PROBLEMS = [
  'unauthenticated',
  'ticket-invalid',
  'not-in-line',
  'unknown-sale',
  'sale-closed',
  'sale-not-open',
  'rate-limited',
  'not-ready',
  'temporarily-unavailable',
] as const;

const saleParameter = {
  name: 'saleId',
  in: 'path' as const,
  required: true,
  schema: { type: 'string' as const },
  example: saleId,
};
const ticketParameter = {
  name: 'x-ticket',
  in: 'header' as const,
  required: false,
  description: 'The ticket that joining gave; or in the cookie that joining set',
  schema: { type: 'string' as const },
  example: ticket,
};
const answered = (description: string, example: object) => ({
  description,
  content: { 'application/json': { schema: openApiSchema(queueAnswerSchema), example } },
});

/** OpenAPI of `/v1/sales/:saleId/queue`, which no controller has. */
export const QUEUE_PATH: Pick<OpenAPIObject, 'paths'> = {
  paths: {
    '/v1/sales/{saleId}/queue': {
      post: {
        operationId: 'QueueController_join',
        tags: ['waiting room'],
        summary: 'Join the line',
        description:
          'One place for each shopper: whoever joins again keeps the earliest, and an earlier `ticket` proves it. ' +
          'No body. `open` where no waiting room is in front of the sale.',
        security: [{ shopper: [] }],
        parameters: [saleParameter, { ...ticketParameter, example: undefined }, CHALLENGE_PARAMETER],
        responses: {
          200: answered('A place that was there before, or none is needed', { ...waiting, ticket }),
          201: answered('A new place', { ...waiting, ticket }),
          ...problemResponses(
            'invalid-request',
            'unauthenticated',
            'forbidden',
            'challenge-required',
            'challenge-failed',
            'unknown-sale',
            'sale-not-open',
            'sale-closed',
            'payload-too-large',
            'unsupported-media-type',
            'rate-limited',
            'not-ready',
            'temporarily-unavailable',
          ),
        },
      },
      get: {
        operationId: 'QueueController_look',
        tags: ['waiting room'],
        summary: 'Look how the place stands',
        description:
          'Not sooner than after `askAgainMs`. Whoever does not look for longer than the sale allows is passed over, ' +
          'and may return to the front for a while.',
        parameters: [saleParameter, ticketParameter],
        responses: {
          200: answered('It is your turn (`turn`, with the pass), or there is nothing to wait for', turn),
          202: answered('Still waiting', waiting),
          ...problemResponses(...LOOK_PROBLEMS),
        },
      },
      delete: {
        operationId: 'QueueController_leave',
        tags: ['waiting room'],
        summary: 'Leave the line',
        description: 'Gives up the place, or the place inside. May be repeated.',
        parameters: [saleParameter, ticketParameter],
        responses: {
          204: { description: 'Left' },
          ...problemResponses(
            'unauthenticated',
            'ticket-invalid',
            'unknown-sale',
            'sale-closed',
            'rate-limited',
            'not-ready',
            'temporarily-unavailable',
          ),
        },
      },
    },
  },
};

/** OpenAPI of `GET /v1/sales/:saleId/queue/events`. */
export function DocumentQueueEvents(): MethodDecorator {
  return applyDecorators(
    ApiTags('waiting room'),
    ApiOperation({
      summary: 'Follow the place',
      description:
        'Server-sent events: `place` at once and whenever a look is due, each with what the GET answers; the stream ' +
        "ends with the turn, or when there is nothing to wait for. `new EventSource(eventsUrl)` with an answer's " +
        '`eventsUrl` needs no header.',
    }),
    ApiParam({ name: 'saleId', example: saleId }),
    ApiHeader({
      name: 'x-ticket',
      required: false,
      description: 'The ticket, of clients that can send headers',
      example: ticket,
      schema: { type: 'string' },
    }),
    ApiQuery({
      name: 'ticket',
      required: false,
      description: 'In place of header or cookie',
      schema: { type: 'string' },
    }),
    ApiResponse({
      status: 200,
      description: 'The stream',
      content: {
        'text/event-stream': {
          schema: { type: 'string' },
          example: `retry: 1734\n\nevent: place\nid: 1\ndata: ${JSON.stringify(waiting)}\n\n`,
        },
      },
    }),
    ApiProblems(...LOOK_PROBLEMS, 'forbidden'),
  );
}

/** OpenAPI of `GET /v1/sales/:saleId/draw`. */
export function DocumentDraw(): MethodDecorator {
  return applyDecorators(
    ApiTags('waiting room'),
    ApiOperation({
      summary: 'Everything that the draw can be checked with',
      description:
        'Before the opening the commitment alone; afterwards the seed, the value of the beacon, every ticket id and ' +
        'their hash. `npm run verify-draw` recomputes every place.',
    }),
    ApiParam({ name: 'saleId', example: saleId }),
    ApiResponse({
      status: 200,
      content: {
        'application/json': {
          schema: { type: 'object' },
          example: {
            saleId,
            lobbyOpensAt: '2026-11-27T08:30:00.000Z',
            opensAt: '2026-11-27T09:00:00.000Z',
            commitment: 'c8ea41ad...',
            drawn: false,
          },
        },
      },
    }),
    ApiProblems('unknown-sale', 'rate-limited', 'temporarily-unavailable'),
  );
}
