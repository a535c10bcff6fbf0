import { challengeAnswerSchema } from '@flux/contracts';
import { openApiSchema, problemResponses } from '@flux/http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { EXAMPLE } from '../docs-examples';

/** The header with which joining and buying show that a challenge was met. */
export const CHALLENGE_PARAMETER = {
  name: 'x-challenge',
  in: 'header' as const,
  required: false,
  description:
    'Where the sale asks for a challenge: `<challenge>~<counter>,<counter>,...` of a proof of work, or the answer of the ' +
    "captcha's widget. Good for one request and its retries",
  schema: { type: 'string' as const },
};

/** OpenAPI of `GET /v1/sales/:saleId/challenge`, which no controller has. */
export const CHALLENGE_PATH: Pick<OpenAPIObject, 'paths'> = {
  paths: {
    '/v1/sales/{saleId}/challenge': {
      get: {
        operationId: 'ChallengeRoute_offer',
        tags: ['waiting room'],
        summary: 'Fetch what the sale asks for before it lets in or sells',
        description:
          'Another challenge each time, for the shopper that is named, good for five minutes. A proof of work: for each ' +
          'puzzle from 0 on, find a counter with which SHA-256 of `<seed>:<puzzle>:<counter>` begins with `bits` zero bits.',
        security: [{ shopper: [] }],
        parameters: [
          { name: 'saleId', in: 'path', required: true, schema: { type: 'string' }, example: EXAMPLE.saleId },
          {
            name: 'action',
            in: 'query',
            required: false,
            description: 'What the challenge is to be met for',
            schema: { type: 'string', enum: ['join', 'purchase'], default: 'purchase' },
          },
        ],
        responses: {
          200: {
            description: 'The challenge, if any',
            content: {
              'application/json': {
                schema: openApiSchema(challengeAnswerSchema),
                examples: {
                  none: { value: { type: 'none' } },
                  pow: {
                    value: {
                      type: 'pow',
                      algorithm: 'SHA-256',
                      challenge: 'AmsxA3Bvdw0xNzk0...',
                      seed: 'q8JfT2mXw0aYh5VbN3cLrA',
                      puzzles: 8,
                      bits: 13,
                      expiresAt: '2026-11-27T09:05:00.123Z',
                    },
                  },
                  captcha: {
                    value: {
                      type: 'captcha',
                      provider: 'turnstile',
                      siteKey: '0x4AAAAAAA...',
                      scriptUrl: 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit',
                      action: 'purchase',
                    },
                  },
                },
              },
            },
          },
          ...problemResponses(
            'invalid-request',
            'unauthenticated',
            'unknown-sale',
            'rate-limited',
            'temporarily-unavailable',
          ),
        },
      },
    },
  },
};
