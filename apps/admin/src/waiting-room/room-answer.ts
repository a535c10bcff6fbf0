import { admissionSchema } from '@flux/contracts';
import { z } from 'zod';

const countSchema = z.number().int().min(0);

/** A sale's waiting room as operators see it: what they set, what Redis has, what was drawn. */
export const admissionAnswerSchema = admissionSchema.extend({
  room: z
    .object({
      state: z.enum(['off', 'on', 'closed']),
      waiting: countSchema.meta({ description: 'Shoppers in line' }),
      called: countSchema.meta({ description: 'Shoppers whose turn has come, since the room began' }),
      inside: countSchema.meta({ description: 'Those of them who may buy now' }),
    })
    .nullable()
    .meta({ description: 'As Redis has it now; null where it has none, or does not answer' }),
  draw: z
    .object({
      commitment: z.string().meta({ description: 'SHA-256 of the seed: published when the lobby opens' }),
      beaconValue: z.string().nullable().meta({ description: 'null until it is set' }),
      drawnAt: z.iso.datetime().nullable().meta({ description: 'null until it was drawn' }),
      tickets: countSchema.nullable(),
      listHash: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'null without a lobby' }),
});
export type AdmissionAnswer = z.infer<typeof admissionAnswerSchema>;
