import { z } from 'zod';

/** What a verifier is asked to have said, and when it was said. */
export interface CaptchaExpectation {
  readonly hostnames: readonly string[];
  /** Undefined where the provider tells none. */
  readonly action: string | undefined;
  readonly nowMs: number;
}

export type CaptchaJudgement =
  | { readonly outcome: 'met' }
  /** `duplicate`: the provider has seen it before, or it is too old for it. */
  | { readonly outcome: 'refused'; readonly reason: 'invalid' | 'duplicate' | 'hostname' | 'action' | 'old' }
  /** The verifier says nothing about the answer. */
  | { readonly outcome: 'unavailable'; readonly reason: string };

/** An answer is good for so long, whatever the provider thinks. */
export const MAX_ANSWER_AGE_MS = 300_000;

/** The provider's clock may be ahead by so much. */
const CLOCK_LEEWAY_MS = 60_000;

/** Answer of `siteverify`, as both providers document it. */
const siteverifySchema = z.object({
  success: z.boolean(),
  hostname: z.string().nullish(),
  action: z.string().nullish(),
  challenge_ts: z.string().nullish(),
  'error-codes': z.array(z.string()).nullish(),
});

const DUPLICATE: readonly string[] = [
  'timeout-or-duplicate',
  'already-seen-response',
  'invalid-or-already-seen-response',
  'expired-input-response',
];

/** Errors about the answer that was sent; any other is about who asks, or of the verifier itself. */
const INVALID: readonly string[] = [
  'missing-input-response',
  'invalid-input-response',
  'not-using-dummy-passcode',
];

/** What the verifier's words are worth. Pure. */
export function judgeAnswer(body: unknown, expected: CaptchaExpectation): CaptchaJudgement {
  const read = siteverifySchema.safeParse(body);
  if (!read.success) return { outcome: 'unavailable', reason: 'not the protocol' };
  const { success, hostname, action, challenge_ts: metAt, 'error-codes': errors } = read.data;
  if (!success) return judgeErrors(errors ?? []);
  if (!expected.hostnames.includes(hostname ?? '')) return { outcome: 'refused', reason: 'hostname' };
  if (expected.action !== undefined && action !== expected.action) {
    return { outcome: 'refused', reason: 'action' };
  }
  const ageMs = expected.nowMs - Date.parse(metAt ?? '');
  const isFresh = ageMs <= MAX_ANSWER_AGE_MS && ageMs >= -CLOCK_LEEWAY_MS;
  return isFresh ? { outcome: 'met' } : { outcome: 'refused', reason: 'old' };
}

function judgeErrors(errors: readonly string[]): CaptchaJudgement {
  const foreign = errors.find((error) => !DUPLICATE.includes(error) && !INVALID.includes(error));
  if (foreign !== undefined) return { outcome: 'unavailable', reason: wordOf(foreign) };
  const isDuplicate = errors.some((error) => DUPLICATE.includes(error));
  return { outcome: 'refused', reason: isDuplicate ? 'duplicate' : 'invalid' };
}

/** The verifier's word as far as a log line should carry it. */
function wordOf(error: string): string {
  return /^[a-z-]{1,60}$/.test(error) ? error : 'an unknown error code';
}
