import { z } from 'zod';
import { CHALLENGES, DEFAULT_CHALLENGE_BITS, MAX_CHALLENGE_BITS, MIN_CHALLENGE_BITS } from './challenge';

/** How a sale's waiting room is used: `auto` above the rate, `on` for everyone, `closed`: nobody gets in. */
export const ROOM_MODES = ['off', 'auto', 'on', 'closed'] as const;
export type RoomMode = (typeof ROOM_MODES)[number];

const DAY_MS = 24 * 3_600_000;

/** A sale's way in, as the operator sets it. Durations in milliseconds. */
export const admissionSchema = z.strictObject({
  mode: z.enum(ROOM_MODES).default('auto').meta({
    description: '`auto`: everybody queues while more come than `ratePerSecond`; `closed`: nobody gets in',
  }),
  ratePerSecond: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .meta({ description: 'Purchase attempts a second, over all gateways, that the shop can serve' }),
  maxInside: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .meta({ description: 'Shoppers who may have a pass at once; no bound where left out' }),
  passMs: z
    .number()
    .int()
    .min(10_000)
    .max(3_600_000)
    .default(120_000)
    .meta({ description: 'How long a pass is good, from the turn on' }),
  longestPollMs: z
    .number()
    .int()
    .min(1_000)
    .max(60_000)
    .default(10_000)
    .meta({ description: 'The longest time between two looks that a shopper is told' }),
  // Chromium wakes a page that has been hidden for five minutes once a minute: it must not count as silent.
  silentMs: z.number().int().min(2_000).max(600_000).default(75_000).meta({
    description: 'Whoever has not looked for so long is passed over; at least twice `longestPollMs`',
  }),
  graceMs: z
    .number()
    .int()
    .min(0)
    .max(DAY_MS)
    .default(180_000)
    .meta({ description: 'How long those passed over may return to the front of the line' }),
  shopperAttempts: z
    .strictObject({
      limit: z.number().int().min(1).max(10_000),
      windowMs: z.number().int().min(1_000).max(3_600_000),
    })
    .optional()
    .meta({
      description: 'How often one shopper may try to buy in this sale; as often as elsewhere where left out',
    }),
  lobbyOpensAt: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'From then on shoppers may join before the opening, when their places are drawn' }),
  beacon: z.string().trim().min(1).max(200).optional().meta({
    description: 'Name of a public value that nobody can know before the opening and that enters the draw',
  }),
  // Without a default: gateways of a release that knows no challenges read the settings of sales that ask for none.
  challenge: z.enum(CHALLENGES).optional().meta({
    description:
      'What shoppers are asked before they join or buy: `pow`, a proof of work, or `captcha`; `none` where left out',
  }),
  challengeBits: z
    .number()
    .int()
    .min(MIN_CHALLENGE_BITS)
    .max(MAX_CHALLENGE_BITS)
    .optional()
    .meta({
      description: `Zero bits of a proof of work, at least; each doubles it. ${DEFAULT_CHALLENGE_BITS} where left out`,
    }),
});
export type Admission = z.infer<typeof admissionSchema>;
