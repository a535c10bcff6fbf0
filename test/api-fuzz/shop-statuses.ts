import type { Sent } from './requests';
import { BUYER, SALES, keyOf } from './sales';
import type { Things } from './things';

/** An operation, a status that it documents, and the request that gets it. */
export type StatusCase = readonly [
  operation: string,
  status: number,
  sent: (things: Things) => Sent | Promise<Sent>,
];

const BUYER_HEADERS = { 'x-shopper-id': BUYER };
const FOREIGN = { origin: 'https://evil.example' };
const purchaseOf = (purchase: string, headers: Readonly<Record<string, string>> = {}): Sent['headers'] => ({
  ...BUYER_HEADERS,
  'idempotency-key': keyOf(purchase),
  ...headers,
});
const inLine = (saleId: string, ticket: string): Sent => ({
  at: { saleId },
  headers: { 'x-ticket': ticket },
});

/** The statuses of the shop API that take a request, or a thing, of their own. */
export const SHOP_STATUSES: readonly StatusCase[] = [
  ['post /v1/orders', 202, () => ({ headers: purchaseOf('fresh'), body: { productId: SALES.open } })],
  [
    'post /v1/orders',
    302,
    () => ({ headers: purchaseOf('line', { accept: 'text/html' }), body: { productId: SALES.line } }),
  ],
  ['post /v1/orders', 400, () => ({ headers: purchaseOf('none'), body: {} })],
  [
    'post /v1/orders',
    403,
    () => ({ headers: purchaseOf('line', { 'x-pass': 'none' }), body: { productId: SALES.line } }),
  ],
  ['post /v1/orders', 404, () => ({ headers: purchaseOf('none'), body: { productId: 'of-nobody' } })],
  [
    'post /v1/orders',
    409,
    () => ({ headers: purchaseOf('late'), body: { productId: SALES.closed, saleId: SALES.closed } }),
  ],
  [
    'post /v1/orders',
    422,
    () => ({ headers: purchaseOf('paid'), body: { productId: SALES.open, quantity: 2 } }),
  ],
  ['get /v1/orders/{orderId}', 200, () => ({ headers: BUYER_HEADERS })],
  ['get /v1/orders/{orderId}', 404, () => ({ headers: { 'x-shopper-id': 'somebody-else' } })],
  ['get /v1/orders/{orderId}', 409, ofRetired],
  ['get /v1/orders/{orderId}/events', 200, () => ({ headers: BUYER_HEADERS })],
  [
    'get /v1/orders/{orderId}/events',
    204,
    ({ orders, lastEventId }) => ({
      at: { orderId: orders.paid },
      headers: { ...BUYER_HEADERS, 'last-event-id': lastEventId },
    }),
  ],
  ['get /v1/orders/{orderId}/events', 403, () => ({ headers: { ...BUYER_HEADERS, ...FOREIGN } })],
  ['get /v1/orders/{orderId}/events', 404, () => ({ headers: { 'x-shopper-id': 'somebody-else' } })],
  ['get /v1/orders/{orderId}/events', 409, ofRetired],
  ['post /v1/orders/{orderId}/cancel', 202, () => ({ headers: BUYER_HEADERS })],
  ['post /v1/orders/{orderId}/cancel', 400, () => ({ headers: BUYER_HEADERS, body: { why: 1 } })],
  ['post /v1/orders/{orderId}/cancel', 404, () => ({ headers: { 'x-shopper-id': 'somebody-else' } })],
  [
    'post /v1/orders/{orderId}/cancel',
    409,
    ({ orders }) => ({ at: { orderId: orders.paid }, headers: BUYER_HEADERS }),
  ],
  ['get /v1/sales', 200, () => ({})],
  ['get /v1/sales', 304, () => ({ headers: { 'if-none-match': '*' } })],
  ['get /v1/sales/{saleId}', 200, () => ({})],
  ['get /v1/sales/{saleId}', 304, () => ({ headers: { 'if-none-match': '*' } })],
  ['get /v1/sales/{saleId}', 404, () => ({ at: { saleId: 'of-nobody' } })],
  [
    'get /v1/sales/{saleId}/challenge',
    200,
    () => ({ at: { saleId: SALES.challenged }, headers: BUYER_HEADERS }),
  ],
  ['get /v1/sales/{saleId}/challenge', 400, () => ({ query: '?action=sing', headers: BUYER_HEADERS })],
  ['get /v1/sales/{saleId}/challenge', 404, () => ({ at: { saleId: 'of-nobody' }, headers: BUYER_HEADERS })],
  ['post /v1/sales/{saleId}/queue', 201, () => ({ headers: { 'x-shopper-id': 'somebody-new' } })],
  ['post /v1/sales/{saleId}/queue', 200, () => ({ headers: { 'x-shopper-id': 'somebody-new' } })],
  ['post /v1/sales/{saleId}/queue', 400, () => ({ headers: BUYER_HEADERS, body: { place: 1 } })],
  [
    'post /v1/sales/{saleId}/queue',
    403,
    () => ({ at: { saleId: SALES.challenged }, headers: BUYER_HEADERS }),
  ],
  ['post /v1/sales/{saleId}/queue', 404, () => ({ at: { saleId: 'of-nobody' }, headers: BUYER_HEADERS })],
  ['post /v1/sales/{saleId}/queue', 409, () => ({ at: { saleId: SALES.closed }, headers: BUYER_HEADERS })],
  ['get /v1/sales/{saleId}/queue', 200, ({ tickets }) => inLine(SALES.turns, tickets.turn)],
  ['get /v1/sales/{saleId}/queue', 202, ({ tickets }) => inLine(SALES.line, tickets.waiting)],
  ['get /v1/sales/{saleId}/queue', 403, () => inLine(SALES.line, 'of-nobody')],
  ['get /v1/sales/{saleId}/queue', 404, ({ tickets }) => inLine(SALES.turns, tickets.passed)],
  ['get /v1/sales/{saleId}/queue', 409, ({ tickets }) => inLine(SALES.lineClosed, tickets.closed)],
  ['get /v1/sales/{saleId}/queue/events', 200, ({ tickets }) => inLine(SALES.line, tickets.waiting)],
  ['get /v1/sales/{saleId}/queue/events', 403, () => ({ headers: FOREIGN })],
  ['get /v1/sales/{saleId}/queue/events', 404, ({ tickets }) => inLine(SALES.turns, tickets.passed)],
  ['get /v1/sales/{saleId}/queue/events', 409, ({ tickets }) => inLine(SALES.lineClosed, tickets.closed)],
  ['delete /v1/sales/{saleId}/queue', 403, () => inLine(SALES.line, 'of-nobody')],
  [
    'delete /v1/sales/{saleId}/queue',
    404,
    async ({ tickets, loseSale }) => {
      await loseSale();
      return inLine(SALES.lost, tickets.lost);
    },
  ],
  ['delete /v1/sales/{saleId}/queue', 409, ({ tickets }) => inLine(SALES.lineClosed, tickets.closed)],
  ['delete /v1/sales/{saleId}/queue', 204, ({ tickets }) => inLine(SALES.line, tickets.waiting)],
  ['get /v1/sales/{saleId}/draw', 200, () => ({ at: { saleId: SALES.lobby } })],
  ['get /v1/sales/{saleId}/draw', 404, () => ({ at: { saleId: SALES.open } })],
];

async function ofRetired({ orders, retirement }: Things): Promise<Sent> {
  await retirement();
  return { at: { orderId: orders.retired }, headers: BUYER_HEADERS };
}
