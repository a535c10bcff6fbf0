import { ENDPOINT_URL, SALES, keyOf, newSale, payment } from './sales';
import type { StatusCase } from './shop-statuses';

const OF_MADE = { at: { id: SALES.made } };
const KEY = { 'idempotency-key': keyOf('repeated') };
const RULE = { list: 'deny', kind: 'cidr', value: '203.0.113.7/32', reason: 'Resells' };
const itemOf = (saleId: string) => ({ id: saleId, productId: saleId });
const change = (delta: number) => ({ delta, reason: 'counted' });

/** What the documented examples do not get: a life of a sale and of an order, and what contradicts them. In this order. */
export const ADMIN_STATUSES: readonly StatusCase[] = [
  ['post /admin/v1/sales', 201, () => ({ body: newSale(SALES.made) })],
  ['post /admin/v1/sales', 409, () => ({ body: newSale(SALES.made) })],
  ['get /admin/v1/sales/{id}/report', 409, () => OF_MADE],
  ...(['open', 'pause', 'resume', 'close'] as const).flatMap((action): StatusCase[] => [
    [`post /admin/v1/sales/{id}/${action}`, 200, () => OF_MADE],
    [`post /admin/v1/sales/{id}/${action}`, 409, () => OF_MADE],
  ]),
  ['post /admin/v1/sales/{id}/audit', 200, () => ({ at: { id: SALES.closed } })],
  ['post /admin/v1/sales/{id}/waiting-room', 200, () => ({ body: { mode: 'off' } })],
  [
    'post /admin/v1/sales/{id}/waiting-room',
    409,
    () => ({ at: { id: SALES.closed }, body: { mode: 'off' } }),
  ],
  ['post /admin/v1/sales/{id}/beacon', 200, () => ({ at: { id: SALES.drawn }, body: { value: '5 12 19' } })],
  ['post /admin/v1/sales/{id}/beacon', 409, () => ({ at: { id: SALES.lobby }, body: { value: '5 12 19' } })],
  ['post /admin/v1/sales/{id}/items/{productId}/stock', 200, () => ({ headers: KEY, body: change(1) })],
  ['post /admin/v1/sales/{id}/items/{productId}/stock', 422, () => ({ headers: KEY, body: change(2) })],
  ['post /admin/v1/sales/{id}/items/{productId}/stock', 409, () => ({ body: change(-1_000_000) })],
  ['post /admin/v1/sales/{id}/items/{productId}/rebuild', 202, () => ({ at: itemOf(SALES.rebuilt) })],
  ['post /admin/v1/sales/{id}/items/{productId}/rebuild', 409, () => ({ at: itemOf(SALES.lobby) })],
  ['post /admin/v1/parked/{id}/retry', 200, ({ parked }) => ({ at: { id: parked.early } })],
  ['post /admin/v1/parked/{id}/retry', 409, ({ parked }) => ({ at: { id: parked.unreadable } })],
  ['post /admin/v1/parked/{id}/discard', 200, ({ parked }) => ({ at: { id: parked.unreadable } })],
  ['post /admin/v1/parked/{id}/discard', 409, ({ parked }) => ({ at: { id: parked.unreadable } })],
  [
    'post /shop/v1/orders/{id}/paid',
    409,
    ({ orders }) => ({ at: { id: orders.paid }, headers: KEY, body: payment('a-second-one') }),
  ],
  [
    'post /shop/v1/orders/{id}/paid',
    422,
    ({ orders }) => ({ at: { id: orders.paid }, headers: KEY, body: payment('a-third-one') }),
  ],
  [
    'post /shop/v1/orders/{id}/paid',
    200,
    ({ orders }) => ({ at: { id: orders.unpaid }, body: payment('the-first-one') }),
  ],
  [
    'post /shop/v1/orders/{id}/cancel',
    409,
    ({ orders }) => ({ at: { id: orders.paid }, body: { reason: 'Too late' } }),
  ],
  ['post /shop/v1/orders/{id}/cancel', 200, () => ({ headers: KEY, body: { reason: 'Given back' } })],
  ['post /shop/v1/orders/{id}/cancel', 422, () => ({ headers: KEY, body: { reason: 'Another one' } })],
  ['post /admin/v1/webhooks', 201, () => ({ body: { url: `${ENDPOINT_URL}/too` } })],
  ['post /admin/v1/webhooks/{id}/secret', 200, () => ({})],
  ['post /admin/v1/webhooks/{id}/deliveries/{deliveryId}/retry', 200, () => ({})],
  ['post /admin/v1/keys', 201, () => ({ body: { name: 'zoe', role: 'viewer' } })],
  ['delete /admin/v1/keys/{id}', 204, ({ keyId }) => ({ at: { id: keyId } })],
  ['post /admin/v1/access-rules', 201, () => ({ body: RULE })],
  ['post /admin/v1/access-rules', 200, () => ({ body: RULE })],
  ['delete /admin/v1/access-rules/{id}', 204, ({ ruleId }) => ({ at: { id: ruleId } })],
];

/** What would take the things away that all the others are asked about: these come last. */
export const LAST_OF_ADMIN: readonly StatusCase[] = [['delete /admin/v1/webhooks/{id}', 204, () => ({})]];

/** Redis is gone; the ledger has the units. */
export const WITHOUT_REDIS: readonly StatusCase[] = [
  ['post /admin/v1/sales/{id}/items/{productId}/stock', 202, () => ({ body: change(1) })],
];
