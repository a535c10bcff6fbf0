import { randomBytes } from 'node:crypto';
import { CHALLENGE_ACTIONS, type Challenge, type ChallengeAction } from '@flux/contracts';
import type { Tokens } from '@flux/tokens';
import { isSolved } from './puzzle';

const TOKEN_TYPE = 'pow';

/** Long enough for a slow phone that is put away and taken up again, short enough that no stock of proofs is worth much. */
export const POW_LIFETIME_MS = 300_000;

/** 22 characters. */
const SEED_BYTES = 16;

/** `<challenge>~<counters>`: a token of ours has 250 characters at most, a counter one to ten digits. */
const PROOF = /^([A-Za-z0-9_-]{1,400})~(\d{1,10}(?:,\d{1,10}){7})$/;
const MAX_PROOF_LENGTH = 512;

/** What a challenge is good for: signed, so that whoever solves it cannot choose. */
export interface PowTerms {
  readonly saleId: string;
  readonly action: ChallengeAction;
  /** What the sale asked for when it was given out: a proof may stand in for a captcha that cannot be checked. */
  readonly asked: Exclude<Challenge, 'none'>;
  /** Who the shopper is in this sale, and no name. */
  readonly subject: string;
  readonly bits: number;
}

export interface IssuedPow {
  readonly challenge: string;
  readonly seed: string;
  readonly expiresAtMs: number;
}

export type ProofReading =
  | { readonly outcome: 'proven'; readonly seed: string }
  | { readonly outcome: 'malformed' | 'forged' | 'expired' | 'otherTerms' | 'tooEasy' | 'unsolved' };

/** Proof of work: challenges as signed tokens, so that nothing of them is kept before they are redeemed. */
export class ProofOfWork {
  constructor(
    private readonly tokens: Tokens,
    private readonly now: () => number = Date.now,
  ) {}

  issue({ saleId, action, asked, subject, bits }: PowTerms): IssuedPow {
    const seed = randomBytes(SEED_BYTES).toString('base64url');
    const challenge = this.tokens.sign({
      type: TOKEN_TYPE,
      fields: [saleId, action, asked, subject, String(bits), seed],
      lifetimeMs: POW_LIFETIME_MS,
    });
    return { challenge, seed, expiresAtMs: this.now() + POW_LIFETIME_MS };
  }

  /**
   * Whether a text proves the work: its form first, then the signature, then the puzzles. Whatever it is: it never throws.
   * @param terms which it must have been given out for; of harder ones than `bits` it may be
   */
  read(text: string, terms: PowTerms): ProofReading {
    const [, challenge = '', counters = ''] = (text.length <= MAX_PROOF_LENGTH && PROOF.exec(text)) || [];
    if (challenge === '') return { outcome: 'malformed' };
    const verified = this.tokens.verify(challenge, TOKEN_TYPE);
    if (verified.outcome === 'expired') return { outcome: 'expired' };
    if (verified.outcome !== 'valid') return { outcome: 'forged' };
    const [saleId, action, asked, subject, bits, seed = ''] = verified.fields;
    const isOfTerms = saleId === terms.saleId && action === terms.action && asked === terms.asked;
    if (!isOfTerms || subject !== terms.subject) return { outcome: 'otherTerms' };
    // Below what the sale asks for now: it was raised meanwhile.
    if (Number(bits) < terms.bits) return { outcome: 'tooEasy' };
    if (!isSolved(seed, Number(bits), counters.split(','))) return { outcome: 'unsolved' };
    return { outcome: 'proven', seed };
  }
}

/** A proof looks like no captcha's answer, which has no `~`. */
export function looksLikeProof(text: string): boolean {
  return text.includes('~');
}

export function isChallengeAction(text: unknown): text is ChallengeAction {
  return CHALLENGE_ACTIONS.some((action) => action === text);
}
