import { z } from 'zod';
import { ORDER_STATUS_TOPIC, orderStatusEventSchema, type OrderStatusEvent } from './events/order-status.v1';

const EXAMPLE: OrderStatusEvent = {
  type: 'order-status.v1',
  id: 'autumn-drop.sneaker-42.pZq2yB0mT9c1xW8sRkLd4A.confirmed',
  orderId: 'autumn-drop.sneaker-42.pZq2yB0mT9c1xW8sRkLd4A',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  shopperId: 'ann',
  quantity: 1,
  status: 'confirmed',
  holdUntil: '2026-01-01T10:25:00.000Z',
  occurredAt: '2026-01-01T10:15:00.000Z',
};

/** What Flux-Gate publishes for the shop's systems, as an AsyncAPI 3.0 document; `docs/asyncapi.yaml` is made of it. */
export function asyncApiDocument(): Record<string, unknown> {
  const schema = z.toJSONSchema(orderStatusEventSchema, { target: 'draft-7' });
  // The document's own dialect stands for all its schemas.
  const payload = Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Flux-Gate order events',
      version: '1.0.0',
      description:
        'Every change of an order, as PostgreSQL committed it. At least once; changes of one order come in their order, ' +
        'and a change that comes again has the same id. The topic has the prefix FLUX_TOPIC_PREFIX, where one is set. ' +
        "The same events go to the shop's webhooks, signed as Standard Webhooks (https://www.standardwebhooks.com), with " +
        'the id in webhook-id; webhooks keep no order, so compare occurredAt.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      orderStatus: {
        address: ORDER_STATUS_TOPIC,
        messages: { orderStatus: { $ref: '#/components/messages/orderStatus' } },
        bindings: { kafka: { topic: ORDER_STATUS_TOPIC } },
      },
    },
    operations: {
      publishOrderStatus: {
        action: 'send',
        channel: { $ref: '#/channels/orderStatus' },
        summary: 'An order has a new status',
        messages: [{ $ref: '#/channels/orderStatus/messages/orderStatus' }],
      },
    },
    components: {
      messages: {
        orderStatus: {
          name: ORDER_STATUS_TOPIC,
          title: 'An order has a new status',
          contentType: 'application/json',
          payload,
          bindings: {
            kafka: { key: { type: 'string', description: 'The product id: one item, one partition' } },
          },
          examples: [{ name: 'confirmed', payload: EXAMPLE }],
        },
      },
    },
  };
}
