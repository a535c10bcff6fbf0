import type { Refusal } from '@flux/contracts';
import { jitteredSeconds } from '@flux/http';
import { policyItem, type Policy, type Taking } from '@flux/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { factsOf } from '../guards/request-facts';

/** Notes how a request stands with a limit, for the headers of its answer. @returns why it goes no further, if so */
export function noteTaking(
  request: FastifyRequest,
  taking: Taking | undefined,
  detail: string,
): Refusal | undefined {
  if (taking === undefined) return undefined;
  const facts = factsOf(request);
  facts.takings = [...(facts.takings ?? []), taking];
  if (taking.outcome === 'taken') return undefined;
  return {
    code: 'rate-limited',
    detail,
    extra: { retryAfterSeconds: jitteredSeconds(Math.max(1, Math.ceil(taking.resetMs / 1_000))) },
  };
}

/**
 * `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) of what was noted: per policy what is left,
 * and in how many seconds there is more where nothing is, else until all of it is there again.
 */
export function setLimitHeaders(reply: FastifyReply, takings: readonly Taking[]): void {
  void reply.headers({
    ratelimit: takings.map(limitItem).join(', '),
    'ratelimit-policy': takings.map(({ policy }) => policyText(policy)).join(', '),
  });
}

function limitItem({ policy, remaining, resetMs }: Taking): string {
  return `"${policy.name}";r=${remaining};t=${Math.max(0, Math.ceil(resetMs / 1_000))}`;
}

const policyTexts = new WeakMap<Policy, string>();

function policyText(policy: Policy): string {
  const known = policyTexts.get(policy) ?? policyItem(policy);
  policyTexts.set(policy, known);
  return known;
}
