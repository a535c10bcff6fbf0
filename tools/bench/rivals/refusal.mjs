import { servePurchases } from './purchase-route.mjs';

/**
 * Bare Fastify: reads and validates the same purchase and refuses it with the same bytes as Flux-Gate, asking nobody.
 *
 * @param {object} refusal
 * @param {number} refusal.status
 * @param {string} refusal.title
 * @param {string} refusal.code
 * @param {string} refusal.detail
 * @param {string} refusal.cache
 * @param {string} refusal.retryAfter
 * @param {Record<string, string>} [refusal.links] further members of the body
 * @param {{ policy: string, left: string }} [refusal.limit] of the address
 */
export async function serveRefusals({
  status,
  title,
  code,
  detail,
  cache,
  retryAfter,
  links = {},
  limit = { policy: '"address";q=1000000;w=1', left: '"address";r=999999;t=1' },
}) {
  const requestId = '6f1c2f0e-3a55-4f0b-9d58-0f4f4f3d2a11';
  const headers = {
    'content-type': 'application/problem+json',
    'cache-control': cache,
    'retry-after': retryAfter,
    'x-request-id': requestId,
    ratelimit: limit.left,
    'ratelimit-policy': limit.policy,
  };
  const type = `https://flux-gate.dev/errors/${code}`;
  await servePurchases((_request, reply) => {
    const problem = { type, title, status, code, detail, ...links, requestId };
    // To a type that it does not serialise itself, Fastify would add a charset.
    return reply.code(status).headers(headers).serializer(JSON.stringify).send(problem);
  });
}
