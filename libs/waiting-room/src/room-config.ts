import { admissionSchema, saleIdSchema } from '@flux/contracts';
import { z } from 'zod';

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What is known of a sale's draw: the commitment from the start, the rest once it was drawn. */
export const drawSchema = z.object({
  /** SHA-256 of the seed, in hex. */
  commitment: digestSchema,
  /** Only once it was drawn. */
  result: z
    .object({
      /** 32 bytes in hex. */
      seed: digestSchema,
      /** Value of the public beacon; empty where none was named. */
      beacon: z.string(),
      /** SHA-256 of the ticket ids, in byte order and joined by line feeds, in hex. */
      listHash: digestSchema,
      tickets: z.number().int(),
    })
    .optional(),
});
export type Draw = z.infer<typeof drawSchema>;
export type DrawResult = NonNullable<Draw['result']>;

/** A sale's waiting room as the admin process publishes it to the gateways. */
export const roomConfigSchema = admissionSchema.omit({ lobbyOpensAt: true }).extend({
  saleId: saleIdSchema,
  /** Counts the changes; an older one is not written over a newer one. */
  version: z.number().int().min(1),
  opensAtMs: z.number().int(),
  closesAtMs: z.number().int(),
  /** When people may join: with a lobby before the opening, else with it. */
  lobbyOpensAtMs: z.number().int(),
  /** Secret of the sale's ticket ids, in hex: with it names could be tried against the published list. */
  salt: digestSchema,
  /** Only with a lobby. */
  draw: drawSchema.optional(),
});
export type RoomConfig = z.infer<typeof roomConfigSchema>;
