import { applyDecorators } from '@nestjs/common';
import { acceptedAnswerSchema, orderAnswerSchema, purchaseBodySchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, problemResponses } from '@flux/http';
import {
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiSecurity,
  ApiTags,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { CHALLENGE_PARAMETER } from '../challenge/challenge.docs';
import { EXAMPLE } from '../docs-examples';

const { saleId, productId, orderId } = EXAMPLE;
const acceptedAt = '2026-11-27T09:00:00.123Z';
const updatedAt = '2026-11-27T09:00:00.321Z';
const answered = { orderId, status: 'accepted', productId, saleId, quantity: 1, acceptedAt };

/** OpenAPI of `POST /v1/orders`, which no controller has. */
export const PURCHASE_PATH: Pick<OpenAPIObject, 'paths'> = {
  paths: {
    '/v1/orders': {
      post: {
        operationId: 'OrdersController_buy',
        tags: ['orders'],
        summary: 'Buy',
        description:
          'Decided at once and for good. Repeat a request with the same key as often as needed: it buys once.',
        security: [{ shopper: [] }],
        parameters: [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: true,
            description:
              'Names this purchase: 16 to 64 of [A-Za-z0-9_-], made by the caller. Or as `x-idempotency-key`.',
            schema: {
              type: 'string',
              pattern: '^[A-Za-z0-9_-]{16,64}$',
              example: EXAMPLE.idempotencyKey,
            },
          },
          {
            name: 'x-pass',
            in: 'header',
            required: false,
            description: 'The pass of the waiting room, while one is in front of the sale',
            schema: { type: 'string' },
          },
          CHALLENGE_PARAMETER,
          {
            name: 'x-device-hint',
            in: 'header',
            required: false,
            description:
              "A name that the shop's page gives the device, for the operators' report on concentration: decides nothing",
            schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8,64}$' },
          },
        ],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: openApiSchema(purchaseBodySchema, 'input'),
              examples: {
                simple: { summary: "From the product's current sale", value: { productId, quantity: 1 } },
                named: {
                  summary: 'From this sale and no later one',
                  value: { productId, quantity: 1, saleId },
                },
              },
            },
          },
        },
        responses: {
          202: {
            description: 'Accepted: the units are taken. A replay has the same bytes.',
            headers: {
              Location: { description: "The order's address", schema: { type: 'string' } },
              'Idempotency-Replayed': { description: '`true` at a replay', schema: { type: 'string' } },
            },
            content: {
              'application/json': { schema: openApiSchema(acceptedAnswerSchema), example: answered },
            },
          },
          302: {
            description: 'A waiting room is in front of the sale, and the caller asked for `text/html`',
            headers: { Location: { description: "The room's page", schema: { type: 'string' } } },
          },
          ...problemResponses(
            'invalid-request',
            'invalid-idempotency-key',
            'unauthenticated',
            'forbidden',
            'pass-invalid',
            'pass-used',
            'challenge-required',
            'challenge-failed',
            'unknown-product',
            'sold-out',
            'shopper-limit',
            'sale-not-open',
            'sale-closed',
            'payload-too-large',
            'unsupported-media-type',
            'idempotency-key-reused',
            'rate-limited',
            'waiting-room',
            'not-ready',
            'temporarily-unavailable',
            'outcome-unknown',
          ),
        },
      },
    },
  },
};

/** OpenAPI of `GET /v1/orders/:orderId`. */
export function DocumentOrder(): MethodDecorator {
  return applyDecorators(
    ApiTags('orders'),
    ApiOperation({
      summary: 'Read an order of your own',
      description:
        'As long as its status is not final the answer says where to follow it: `eventsUrl`. The example is the ' +
        'order that the example of the purchase makes: send that one first.',
    }),
    ApiSecurity('shopper'),
    ApiParam({ name: 'orderId', example: orderId }),
    ApiResponse({
      status: 200,
      content: {
        'application/json': {
          schema: openApiSchema(orderAnswerSchema),
          example: {
            ...answered,
            status: 'confirmed',
            updatedAt,
            holdUntil: '2026-11-27T09:10:00.321Z',
            eventsUrl: `/v1/orders/${orderId}/events?ticket=A2sxDG9yZGVy...`,
          },
        },
      },
    }),
    ApiProblems(
      'unauthenticated',
      'unknown-order',
      'sale-closed',
      'rate-limited',
      'not-ready',
      'temporarily-unavailable',
    ),
  );
}

/** OpenAPI of `POST /v1/orders/:orderId/cancel`. */
export function DocumentCancel(): MethodDecorator {
  return applyDecorators(
    ApiTags('orders'),
    ApiOperation({
      summary: 'Give an order of your own up',
      description:
        'A wish, which is taken at once and decided a moment later: follow or read the order to see it cancelled. ' +
        'Repeat it as often as needed. No body. The example is the order that the example of the purchase makes.',
    }),
    ApiSecurity('shopper'),
    ApiParam({ name: 'orderId', example: orderId }),
    ApiResponse({
      status: 202,
      description: 'Taken, also where it was before. The order as it is at this moment.',
      content: {
        'application/json': {
          schema: openApiSchema(orderAnswerSchema),
          example: { ...answered, status: 'confirmed', updatedAt },
        },
      },
    }),
    ApiProblems(
      'invalid-request',
      'unauthenticated',
      'unknown-order',
      'not-cancellable',
      'sale-closed',
      'payload-too-large',
      'unsupported-media-type',
      'rate-limited',
      'not-ready',
      'temporarily-unavailable',
      'outcome-unknown',
    ),
  );
}
