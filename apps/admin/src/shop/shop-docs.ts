import { type Refund, type ShopOrder, type ShopOrderDetail, shopOrderSchema } from '@flux/contracts';
import { openApiSchema } from '@flux/http';
import { applyDecorators } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';

const ORDER_ID = 'autumn-drop.sneaker-42.Qm9yZ2VzIGlzIGF3YXkuLg';

export const SHOP_ORDER_EXAMPLE: ShopOrder = {
  orderId: ORDER_ID,
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  shopperId: 'ann@example.com',
  quantity: 1,
  amountMinor: 12_900,
  currency: 'EUR',
  status: 'paid',
  acceptedAt: '2026-01-01T09:00:00.412Z',
  updatedAt: '2026-01-01T09:03:10.055Z',
};

export const REFUND_EXAMPLE: Refund = {
  paymentId: 'pi_0002',
  orderId: ORDER_ID,
  amountMinor: 12_900,
  currency: 'EUR',
  reason: 'the order was paid before',
  state: 'due',
  createdAt: '2026-01-01T09:04:00.120Z',
};

export const SHOP_ORDER_DETAIL_EXAMPLE: ShopOrderDetail = {
  ...SHOP_ORDER_EXAMPLE,
  history: [
    { status: 'accepted', at: SHOP_ORDER_EXAMPLE.acceptedAt },
    { status: 'confirmed', at: '2026-01-01T09:00:00.498Z' },
    { status: 'paid', at: SHOP_ORDER_EXAMPLE.updatedAt },
  ],
  payments: [
    {
      paymentId: 'pi_0001',
      amountMinor: 12_900,
      currency: 'EUR',
      state: 'applied',
      createdAt: '2026-01-01T09:03:10.055Z',
    },
  ],
  refunds: [REFUND_EXAMPLE],
};

export const orderPageSchema = z.object({
  orders: z.array(shopOrderSchema),
  next: z.string().nullable().meta({
    description:
      'Send it as `after` for the next page; null at the end. A page may have fewer orders than `limit`',
  }),
});

const CSV_EXAMPLE =
  'orderId,saleId,productId,shopperId,quantity,amountMinor,currency,status,reason,acceptedAt,updatedAt,holdUntil\r\n' +
  `${ORDER_ID},autumn-drop,sneaker-42,ann@example.com,1,12900,EUR,paid,,2026-01-01T09:00:00.412Z,2026-01-01T09:03:10.055Z,\r\n`;

export function ApiOrderId(): MethodDecorator {
  return ApiParam({ name: 'id', description: 'Id of the order', example: ORDER_ID });
}

/** Documents the three forms of the list. */
export function ApiOrderList(): MethodDecorator {
  return applyDecorators(
    ApiProduces('application/json', 'text/csv', 'application/x-ndjson'),
    ApiResponse({
      status: 200,
      description: 'A page as JSON; everything that matches as CSV (RFC 4180) or NDJSON',
      content: {
        'application/json': {
          schema: openApiSchema(orderPageSchema),
          example: { orders: [SHOP_ORDER_EXAMPLE], next: null },
        },
        'text/csv': { schema: { type: 'string' }, example: CSV_EXAMPLE },
        'application/x-ndjson': {
          schema: { type: 'string' },
          example: `${JSON.stringify(SHOP_ORDER_EXAMPLE)}\n`,
        },
      },
    }),
  );
}
