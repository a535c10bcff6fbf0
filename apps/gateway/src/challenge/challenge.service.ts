import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  difficultyOf,
  leastBits,
  looksLikeProof,
  MAX_ANSWER_AGE_MS,
  POW_LIFETIME_MS,
  ProofOfWork,
  PUZZLES,
  Redemptions,
} from '@flux/challenge';
import type { ChallengeAnswer, Refusal } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { LOG, Metrics, RepeatedWarning, type Log } from '@flux/telemetry';
import { Captcha } from './captcha.service';
import { CHALLENGE_UNJUDGED, challengeFailed, challengeRequired } from './challenge-refusal';
import type { AskedChallenge, Comer } from './sale-challenges';
import { SOURCE_STANDING, type SourceStanding } from './source-standing';

/** What somebody sends to show that a challenge was met. */
export interface ChallengeClaim {
  /** The header `x-challenge` as it was sent. */
  readonly text: string | undefined;
  /** What it is for: a retry has the same. Holds no name and no key of a shopper. */
  readonly binding: string;
}

type SentClaim = ChallengeClaim & { readonly text: string };

/** How a claim ended. `refused`: whatever was wrong with it. */
type ClaimOutcome = 'met' | 'again' | 'missing' | 'refused' | 'used' | 'unavailable';

/** Clocks of gateways differ: a redemption is remembered for longer than any of them takes the challenge. */
const MARGIN_MS = 60_000;

/** Gives challenges out and judges what comes back. */
@Injectable()
export class ChallengeService {
  private readonly claims;
  private readonly unset: RepeatedWarning;

  constructor(
    private readonly pow: ProofOfWork,
    private readonly captcha: Captcha,
    private readonly redemptions: Redemptions,
    @Inject(SOURCE_STANDING) private readonly sources: SourceStanding,
    metrics: Metrics,
    @Inject(LOG) log: Log,
  ) {
    this.claims = metrics.counter({
      name: 'challenge_claims_total',
      help: 'Requests that had to meet a challenge, by what they were for and what became of it',
      labels: ['action', 'asked', 'outcome'],
    });
    this.unset = new RepeatedWarning(
      log,
      'a sale asks for captchas, which are not set up: it gets proof of work',
    );
  }

  /** A challenge of its own for each request: only one that is met is remembered. */
  offer(comer: Comer, asked: AskedChallenge | undefined): ChallengeAnswer {
    if (asked === undefined) return { type: 'none' };
    const { saleId, action, ip } = comer;
    const { widget } = this.captcha;
    if (asked.challenge === 'captcha' && widget === undefined) this.unset.warn({ saleId });
    if (asked.challenge === 'captcha' && widget !== undefined && !this.captcha.isProofOfWork(action)) {
      return { type: 'captcha', ...widget, action };
    }
    const { subject, bits: base } = asked;
    const bits = difficultyOf({ base, load: this.sources.load(), strikes: this.sources.strikesOf(ip) });
    const issued = this.pow.issue({ saleId, action, asked: asked.challenge, subject, bits });
    const { challenge, seed, expiresAtMs } = issued;
    const expiresAt = new Date(expiresAtMs).toISOString();
    return { type: 'pow', algorithm: 'SHA-256', challenge, seed, puzzles: PUZZLES, bits, expiresAt };
  }

  /** Why somebody may go no further; undefined where the challenge is met, now or for the same request before. */
  async judge(comer: Comer, asked: AskedChallenge, claim: ChallengeClaim): Promise<Refusal | undefined> {
    const { saleId, action } = comer;
    const outcome = await this.outcomeOf(comer, asked, claim);
    this.claims.inc({ action, asked: asked.challenge, outcome });
    switch (outcome) {
      case 'met':
      case 'again':
        return undefined;
      case 'missing':
        return challengeRequired(saleId, action);
      case 'refused':
      case 'used':
        return challengeFailed(saleId, action);
      case 'unavailable':
        // Another challenge can be met at once; a purchase waits for the verifier, unless the shop wants it otherwise.
        return asked.challenge === 'captcha' && this.captcha.isProofOfWork(action)
          ? challengeRequired(saleId, action)
          : CHALLENGE_UNJUDGED;
    }
  }

  private async outcomeOf(comer: Comer, asked: AskedChallenge, claim: ChallengeClaim): Promise<ClaimOutcome> {
    const { text, binding } = claim;
    if (text === undefined) return 'missing';
    try {
      return looksLikeProof(text)
        ? await this.outcomeOfProof(comer, asked, { text, binding })
        : await this.outcomeOfCaptcha(comer, asked, { text, binding });
    } catch (error) {
      if (error instanceof GateUnavailableError) return 'unavailable';
      throw error;
    }
  }

  private async outcomeOfProof(
    { saleId, action }: Comer,
    { challenge: asked, bits, subject }: AskedChallenge,
    { text, binding }: SentClaim,
  ): Promise<ClaimOutcome> {
    if (asked === 'captcha' && !this.captcha.mayBeProofOfWork(action)) return 'refused';
    const reading = this.pow.read(text, { saleId, action, asked, subject, bits: leastBits(bits) });
    if (reading.outcome !== 'proven') return 'refused';
    return this.redeem(`pow:${reading.seed}`, binding, POW_LIFETIME_MS);
  }

  private async outcomeOfCaptcha(
    { action, ip }: Comer,
    { challenge }: AskedChallenge,
    { text, binding }: SentClaim,
  ): Promise<ClaimOutcome> {
    if (challenge !== 'captcha') return 'refused';
    const id = `captcha:${hash('sha256', text, 'base64url')}`;
    // First: the provider takes an answer once, and a retry must not be asked for another.
    const before = await this.redemptions.find(id);
    if (before !== undefined) return before === binding ? 'again' : 'used';
    const judgement = await this.captcha.verify({ answer: text, remoteIp: ip, action });
    switch (judgement.outcome) {
      case 'met':
        return this.redeem(id, binding, MAX_ANSWER_AGE_MS);
      case 'refused': {
        // Perhaps another gateway has just asked about it, for the same request.
        const isAgain = judgement.reason === 'duplicate' && (await this.redemptions.find(id)) === binding;
        return isAgain ? 'again' : 'refused';
      }
      case 'unavailable':
        return 'unavailable';
    }
  }

  private async redeem(id: string, binding: string, lifetimeMs: number): Promise<ClaimOutcome> {
    const outcome = await this.redemptions.redeem(id, binding, lifetimeMs + MARGIN_MS);
    return outcome === 'redeemed' ? 'met' : outcome;
  }
}
