import { z } from 'zod';
import { type Admission, admissionSchema } from './admission';

/** A setting that does not go with the others. */
export interface AdmissionConflict {
  readonly field: 'silentMs' | 'lobbyOpensAt' | 'beacon';
  readonly message: string;
}

/** What no single field shows, of settings whose fields are all valid. */
export function admissionConflicts(
  { silentMs, longestPollMs, lobbyOpensAt, beacon }: Admission,
  sale: { readonly opensAt: string },
): readonly AdmissionConflict[] {
  const conflicts: AdmissionConflict[] = [];
  // Whoever looks as seldom as told, and misses one look, is still there.
  if (silentMs < 2 * longestPollMs) {
    conflicts.push({ field: 'silentMs', message: 'must be at least twice longestPollMs' });
  }
  if (lobbyOpensAt !== undefined && Date.parse(lobbyOpensAt) >= Date.parse(sale.opensAt)) {
    conflicts.push({ field: 'lobbyOpensAt', message: 'must be before opensAt' });
  }
  if (beacon !== undefined && lobbyOpensAt === undefined) {
    conflicts.push({ field: 'beacon', message: 'needs lobbyOpensAt: without a lobby nothing is drawn' });
  }
  return conflicts;
}

const {
  mode,
  ratePerSecond,
  maxInside,
  passMs,
  longestPollMs,
  silentMs,
  graceMs,
  challenge,
  challengeBits,
  shopperAttempts,
} = admissionSchema.shape;

/** Body of `POST /admin/v1/sales/:id/waiting-room`: what is left out stays as it is. Lobby and beacon never change. */
export const admissionChangeSchema = z
  .strictObject({
    mode: mode.unwrap().optional(),
    ratePerSecond: ratePerSecond.unwrap().optional(),
    maxInside: maxInside.unwrap().nullable().optional().meta({ description: 'null: no bound any more' }),
    passMs: passMs.unwrap().optional(),
    longestPollMs: longestPollMs.unwrap().optional(),
    silentMs: silentMs.unwrap().optional(),
    graceMs: graceMs.unwrap().optional(),
    challenge,
    challengeBits,
    shopperAttempts: shopperAttempts
      .unwrap()
      .nullable()
      .optional()
      .meta({ description: 'null: none any more' }),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change at least one setting');
export type AdmissionChange = z.infer<typeof admissionChangeSchema>;

/** The settings after a change. */
export function changedAdmission(admission: Admission, change: AdmissionChange): Admission {
  const settings = Object.entries({ ...admission, ...change });
  return admissionSchema.parse(Object.fromEntries(settings.filter(([, value]) => value !== null)));
}

/** Body of `POST /admin/v1/sales/:id/beacon`. */
export const beaconValueSchema = z.strictObject({
  value: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'What the public beacon said, letter by letter: shoppers compute with it' }),
});
