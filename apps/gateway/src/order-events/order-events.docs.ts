import { applyDecorators } from '@nestjs/common';
import { orderAnswerSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema } from '@flux/http';
import {
  ApiExtension,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import { EXAMPLE } from '../docs-examples';

const { saleId, productId, orderId } = EXAMPLE;

const data = {
  orderId,
  status: 'confirmed',
  productId,
  saleId,
  quantity: 1,
  acceptedAt: '2026-11-27T09:00:00.123Z',
  updatedAt: '2026-11-27T09:00:00.321Z',
  holdUntil: '2026-11-27T09:10:00.321Z',
};
const example = `retry: 1734\n\nevent: status\nid: confirmed-1795770000321\ndata: ${JSON.stringify(data)}\n\n:\n\n`;

/** OpenAPI of `GET /v1/orders/:orderId/events`. */
export function DocumentOrderEvents(): MethodDecorator {
  return applyDecorators(
    ApiTags('orders'),
    ApiOperation({
      summary: 'Follow an order of your own',
      description:
        'Server-sent events: `status` at once with the present state, then at each change; the stream ends after a ' +
        "final status. `new EventSource(eventsUrl)` with the `eventsUrl` of the order's GET needs no header; other " +
        'clients may send the usual ones in place of the ticket. Whoever comes back with `Last-Event-ID` is told only ' +
        'what is new, and gets 204 where that was the end. A ticket lets in for ten minutes; after a 401 read the ' +
        'order again. This page shows the answer once the stream has ended: cancel the order in between.',
    }),
    ApiSecurity('shopper'),
    ApiParam({ name: 'orderId', example: orderId }),
    ApiQuery({
      name: 'ticket',
      required: false,
      description: "In place of credentials: part of the `eventsUrl` of the order's GET",
      schema: { type: 'string' },
    }),
    ApiHeader({
      name: 'Last-Event-ID',
      required: false,
      description: 'The id of the last event that the caller has seen; EventSource sends it by itself',
      schema: { type: 'string' },
    }),
    ApiResponse({
      status: 200,
      description: 'The stream. Each `data` line is an order as the GET shows it, but for `eventsUrl`.',
      content: { 'text/event-stream': { schema: { type: 'string' }, example } },
    }),
    ApiResponse({ status: 204, description: 'The caller knows the final state: do not come back' }),
    ApiExtension('x-event-data', { status: openApiSchema(orderAnswerSchema) }),
    ApiProblems(
      'unauthenticated',
      'forbidden',
      'unknown-order',
      'sale-closed',
      'rate-limited',
      'not-ready',
      'temporarily-unavailable',
    ),
  );
}
