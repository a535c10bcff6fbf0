import { ProblemError } from '@flux/contracts';
import Stripe from 'stripe';

/** How far a signature's time may lie from ours, in both directions. */
export const TOLERANCE_SECONDS = 300;

/**
 * The event in a body that one of the secrets has signed, or undefined: forged, truncated, too old or from the future.
 * Stripe's library judges signature and age; it lets a time in the future pass, so that is judged here.
 */
export function signedEvent(
  body: Buffer,
  header: string,
  { secrets, nowMs = Date.now() }: { readonly secrets: readonly string[]; readonly nowMs?: number },
): unknown {
  const signedAt = timeOf(header);
  if (signedAt === undefined || signedAt - Math.floor(nowMs / 1_000) > TOLERANCE_SECONDS) return undefined;
  for (const secret of secrets) {
    try {
      return Stripe.webhooks.constructEvent(body, header, secret, TOLERANCE_SECONDS, undefined, nowMs);
    } catch (error) {
      if (error instanceof SyntaxError) throw new ProblemError('invalid-request', 'The body is not JSON.');
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
    }
  }
  return undefined;
}

/** Seconds since 1970. A header with several times is none: the library would take another one than this. */
function timeOf(header: string): number | undefined {
  const [time, ...more] = header.split(',').filter((part) => part.startsWith('t='));
  const [, digits] = /^t=(\d{1,12})$/.exec(time ?? '') ?? [];
  return digits === undefined || more.length > 0 ? undefined : Number(digits);
}
