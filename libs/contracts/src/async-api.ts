import { z } from 'zod';
import { LEDGER_EVENTS_TOPIC, ledgerEventSchema, type LedgerEvent } from './events/ledger-events.v1';
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

const LEDGER_EXAMPLE: LedgerEvent = {
  type: 'ledger-events.v1',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  version: 17,
  part: 1,
  parts: 1,
  causes: [],
  ledger: {
    sale_id: 'autumn-drop',
    product_id: 'sneaker-42',
    initial: 100,
    held: 2,
    sold: 0,
    parked: 0,
    epoch: 1,
    epoch_offset: null,
    watermark: 2,
    watermark_order_id: 'autumn-drop.sneaker-42.Xw3nE5uJ7qKc0vT1yHbM2Q',
    ahead: [],
    suspended_reason: null,
    version: 17,
    changed_at: '2026-01-01T10:15:00.000123+00:00',
    previous_at: '2026-01-01T10:14:59.800456+00:00',
  },
  runs: [
    {
      kind: 'new',
      state: 'confirmed',
      atMs: 1_767_262_500_000,
      holdUntilMs: 1_767_263_100_000,
      reason: null,
      paymentId: null,
      epoch: 1,
      firstSequence: 1,
      orders: 'pZq2yB0mT9c1xW8sRkLd4A ann 1 fJ0aK2mQ9xZ 1767262499950\nXw3nE5uJ7qKc0vT1yHbM2Q bob 1',
    },
  ],
};

/** A schema as the document holds it: its own dialect stands for all its schemas. */
function payloadOf(schema: z.ZodType): Record<string, unknown> {
  const json = z.toJSONSchema(schema, { target: 'draft-7' });
  return Object.fromEntries(Object.entries(json).filter(([name]) => name !== '$schema'));
}

const KEY = { type: 'string', description: 'The product id: one item, one partition' };

/** What Flux-Gate publishes for the shop's systems, as an AsyncAPI 3.0 document; `docs/asyncapi.yaml` is made of it. */
export function asyncApiDocument(): Record<string, unknown> {
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
      ledgerEvents: {
        address: LEDGER_EVENTS_TOPIC,
        description:
          'What a lost database is written from, kept for ever. One message for each transaction and item, at least ' +
          'once, in the order of `version`; `npm run replay` reads it.',
        messages: { ledgerEvent: { $ref: '#/components/messages/ledgerEvent' } },
        bindings: {
          kafka: {
            topic: LEDGER_EVENTS_TOPIC,
            topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': -1, 'retention.bytes': -1 },
          },
        },
      },
    },
    operations: {
      publishOrderStatus: {
        action: 'send',
        channel: { $ref: '#/channels/orderStatus' },
        summary: 'An order has a new status',
        messages: [{ $ref: '#/channels/orderStatus/messages/orderStatus' }],
      },
      publishLedgerEvent: {
        action: 'send',
        channel: { $ref: '#/channels/ledgerEvents' },
        summary: 'A transaction has changed an item',
        messages: [{ $ref: '#/channels/ledgerEvents/messages/ledgerEvent' }],
      },
    },
    components: {
      messages: {
        orderStatus: {
          name: ORDER_STATUS_TOPIC,
          title: 'An order has a new status',
          contentType: 'application/json',
          payload: payloadOf(orderStatusEventSchema),
          bindings: { kafka: { key: KEY } },
          examples: [{ name: 'confirmed', payload: EXAMPLE }],
        },
        ledgerEvent: {
          name: LEDGER_EVENTS_TOPIC,
          title: 'A transaction has changed an item',
          contentType: 'application/json',
          payload: payloadOf(ledgerEventSchema),
          bindings: { kafka: { key: KEY } },
          examples: [{ name: 'confirmed', payload: LEDGER_EXAMPLE }],
        },
      },
    },
  };
}
