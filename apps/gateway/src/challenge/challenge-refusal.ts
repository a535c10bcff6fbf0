import type { ChallengeAction, Refusal } from '@flux/contracts';

/** Where a sale's challenge is fetched. */
export function challengeUrlOf(saleId: string, action: ChallengeAction): string {
  return `/v1/sales/${saleId}/challenge?action=${action}`;
}

/** Nothing was sent. Final it is not: whoever meets the challenge is judged anew, with the same idempotency key. */
export function challengeRequired(saleId: string, action: ChallengeAction): Refusal {
  return {
    code: 'challenge-required',
    detail: 'Fetch the challenge, meet it, and send the same request again with x-challenge.',
    extra: { links: { challengeUrl: challengeUrlOf(saleId, action) } },
  };
}

/** The same words for whatever is wrong: who tries learns nothing of what to change. */
export function challengeFailed(saleId: string, action: ChallengeAction): Refusal {
  return {
    code: 'challenge-failed',
    detail: 'The challenge was not met, or was met for another request. Fetch another one.',
    extra: { links: { challengeUrl: challengeUrlOf(saleId, action) } },
  };
}

/** Neither met nor failed: nobody could tell. */
export const CHALLENGE_UNJUDGED: Refusal = {
  code: 'temporarily-unavailable',
  detail: 'The challenge cannot be checked now. Try again with the same one.',
  extra: {},
};
