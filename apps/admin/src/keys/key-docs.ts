import { z } from 'zod';
import { keyNameSchema } from './api-keys';
import type { KeyRecord } from './keys.service';
import { ROLES } from './roles';

export const newKeySchema = z.strictObject({
  name: keyNameSchema.meta({
    description: 'Whose it is, for the audit log. Give the next key of somebody the same name',
  }),
  role: z.enum(ROLES),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});

export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  source: z
    .enum(['environment', 'api'])
    .meta({ description: 'One of the environment ends where the environment changes' }),
  createdBy: z.string().nullable(),
  createdAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable(),
});
export type KeyAnswer = z.infer<typeof keySchema>;

export const keyListSchema = z.object({ keys: z.array(keySchema) });

export const createdKeySchema = keySchema.extend({
  key: z.string().meta({ description: 'The key itself; shown this once' }),
});
export type CreatedKey = z.infer<typeof createdKeySchema>;

export const NEW_KEY_EXAMPLE = { name: 'anna', role: 'operator', expiresAt: '2030-01-01T00:00:00.000Z' };
export const KEY_EXAMPLE: KeyAnswer = {
  id: 'key_u8rZ0f4bq1mXn2Yp',
  name: 'anna',
  role: 'operator',
  source: 'api',
  createdBy: 'olga',
  createdAt: '2026-01-01T08:00:00.000Z',
  expiresAt: '2030-01-01T00:00:00.000Z',
};
export const CREATED_KEY_EXAMPLE: CreatedKey = {
  ...KEY_EXAMPLE,
  key: 'fluxop_an-example-of-a-key-which-opens-nothing-123',
};

export function keyAnswer({ id, name, role, created, expiresAt }: KeyRecord): KeyAnswer {
  return {
    id,
    name,
    role,
    source: created === null ? 'environment' : 'api',
    createdBy: created?.by ?? null,
    createdAt: created?.at.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
