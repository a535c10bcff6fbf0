// What the rivals have in common: the purchase route as plain Fastify offers it, on a free port, ended with its parent.
import Fastify from 'fastify';

const ID = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,40}$' };

/** The same rules as Flux-Gate's for the same body. */
const body = {
  type: 'object',
  required: ['productId'],
  additionalProperties: false,
  properties: {
    productId: ID,
    quantity: { type: 'integer', minimum: 1, maximum: 10, default: 1 },
    saleId: ID,
  },
};

/**
 * @typedef {{ productId: string, saleId: string, quantity: number }} Body
 * @typedef {import('fastify').FastifyRequest<{ Body: Body }>} PurchaseRequest
 * @typedef {(request: PurchaseRequest, reply: import('fastify').FastifyReply) => unknown} PurchaseHandler
 */

/** @param {PurchaseHandler} handler */
export async function servePurchases(handler) {
  const app = Fastify({ logger: false });
  app.post('/v1/orders', { schema: { body } }, /** @type {any} */ (handler));
  await app.listen({ port: 0, host: '127.0.0.1' });
  process.on('disconnect', () => process.exit());
  process.on('SIGINT', () => {});
  process.send?.({ url: `http://127.0.0.1:${app.addresses()[0]?.port}` });
}

let accepted = 0;

/**
 * Headers and body as long as those of Flux-Gate's 202.
 *
 * @param {Body} body
 * @param {import('fastify').FastifyReply} reply
 */
export function answerAccepted({ saleId, productId, quantity }, reply) {
  accepted += 1;
  const orderId = `${saleId}.${productId}.${String(accepted).padStart(22, '0')}`;
  reply.code(202).headers({
    ratelimit: '"address";r=999999;t=1, "shopper";r=299;t=1',
    'ratelimit-policy': '"address";q=1000000;w=1, "shopper";q=600;w=60',
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': '6f1c2f0e-3a55-4f0b-9d58-0f4f4f3d2a11',
    location: `/v1/orders/${orderId}`,
  });
  return JSON.stringify({
    orderId,
    status: 'accepted',
    productId,
    saleId,
    quantity,
    acceptedAt: new Date().toISOString(),
  });
}
