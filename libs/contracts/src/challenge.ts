import { z } from 'zod';

/** What a sale asks of shoppers before they join its line or buy. */
export const CHALLENGES = ['none', 'pow', 'captcha'] as const;
export type Challenge = (typeof CHALLENGES)[number];

/** What a challenge is met for. */
export const CHALLENGE_ACTIONS = ['join', 'purchase'] as const;
export type ChallengeAction = (typeof CHALLENGE_ACTIONS)[number];

/** 65,536 hashes: some 100 ms of a phone. */
export const DEFAULT_CHALLENGE_BITS = 13;
/** 2,048 hashes. */
export const MIN_CHALLENGE_BITS = 8;
/** 8,388,608 hashes: some 10 s of a phone, and no shopper waits for more. */
export const MAX_CHALLENGE_BITS = 20;

/** `GET /v1/sales/:saleId/challenge`. */
export const challengeAnswerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('none') }).meta({ description: 'Nothing is asked: join or buy' }),
  z.object({
    type: z.literal('pow'),
    algorithm: z.literal('SHA-256'),
    challenge: z.string().meta({ description: 'Signed; begins the header x-challenge' }),
    seed: z.string().meta({ description: 'Begins each text that is hashed: `<seed>:<puzzle>:<counter>`' }),
    puzzles: z.number().int().meta({ description: 'Puzzles to solve, counted from 0' }),
    bits: z.number().int().meta({ description: 'Zero bits with which each hash must begin' }),
    expiresAt: z.iso.datetime(),
  }),
  z.object({
    type: z.literal('captcha'),
    provider: z.string(),
    siteKey: z.string(),
    action: z.string(),
    scriptUrl: z.string().meta({ description: 'Script that offers `render` with explicit rendering' }),
  }),
]);
export type ChallengeAnswer = z.infer<typeof challengeAnswerSchema>;
