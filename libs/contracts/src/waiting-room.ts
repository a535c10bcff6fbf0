import { z } from 'zod';
import { saleIdSchema } from './ids';

/** `open`: no room stands in front of the sale now. */
export const QUEUE_STATUSES = ['lobby', 'waiting', 'turn', 'soldOut', 'open'] as const;
export type QueueStatus = (typeof QUEUE_STATUSES)[number];

/** `unlikely`: every unit left is held for somebody; one may come back. */
export const LIKELIHOODS = ['likely', 'unlikely', 'soldOut'] as const;
export type Likelihood = (typeof LIKELIHOODS)[number];

/** Why nobody is called at the moment. */
export const HALTS = ['closed', 'recovering', 'drawing'] as const;
export type Halt = (typeof HALTS)[number];

/** `POST` and `GET /v1/sales/:saleId/queue`, and the data of its `place` events. */
export const queueAnswerSchema = z.object({
  saleId: saleIdSchema,
  status: z.enum(QUEUE_STATUSES),
  ticket: z.string().optional().meta({ description: 'Signed proof of the place, for the header x-ticket' }),
  ticketId: z.string().optional().meta({ description: "The ticket's public name, as the draw lists it" }),
  place: z.number().int().min(1).optional(),
  ahead: z.number().int().min(0).optional().meta({ description: 'People before this one' }),
  joinedAt: z.iso.datetime().optional(),
  estimatedWait: z
    .object({ fromMs: z.number().int().min(0), toMs: z.number().int().min(0).nullable() })
    .optional()
    .meta({ description: 'From the measured drain rate; toMs is null where no end can be told' }),
  likelihood: z.enum(LIKELIHOODS).optional(),
  halted: z.enum(HALTS).optional().meta({ description: 'Nobody is called at the moment, and why' }),
  opensAt: z.iso.datetime().optional().meta({ description: 'While in the lobby' }),
  askAgainMs: z.number().int().min(0).meta({ description: 'Ask again no earlier than in so many ms' }),
  eventsUrl: z.string().optional(),
  pass: z
    .string()
    .optional()
    .meta({ description: 'With status turn: for the header x-pass of the purchase' }),
  passExpiresAt: z.iso.datetime().optional(),
});
export type QueueAnswer = z.infer<typeof queueAnswerSchema>;
