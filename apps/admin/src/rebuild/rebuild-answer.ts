import { REBUILD_KINDS, REBUILD_PHASES, type RebuildEntity } from '@flux/ledger';
import { z } from 'zod';

/** One rebuild of an item's gate as operators see it. */
export const rebuildAnswerSchema = z.object({
  id: z.string(),
  saleId: z.string(),
  productId: z.string(),
  state: z.enum(['running', 'done']),
  phase: z.enum(REBUILD_PHASES).meta({ description: 'Where the last attempt is' }),
  kind: z.enum(REBUILD_KINDS).meta({ description: 'Why it is rebuilt' }),
  reason: z.string(),
  actor: z.string().meta({ description: 'Who asked for it; `system` where nobody did' }),
  attempts: z.number().int(),
  lastFailure: z
    .string()
    .nullable()
    .meta({ description: 'Why an attempt ended early; the next one starts over' }),
  epoch: z.number().int().nullable().meta({ description: 'The new epoch, once it is raised' }),
  relayed: z.number().int().meta({ description: 'Entries of the old outbox that went to Kafka' }),
  unreadable: z
    .number()
    .int()
    .meta({ description: 'Entries of the old outbox that could not be read or applied' }),
  orders: z.number().int().meta({ description: 'Orders written to the new gate so far' }),
  available: z.number().int().nullable().meta({ description: 'Units that the new gate begins with' }),
  startedAt: z.iso.datetime(),
  doneAt: z.iso.datetime().nullable(),
  durationMs: z.number().int().nullable().meta({ description: 'From asking to opening' }),
});
export type RebuildAnswer = z.output<typeof rebuildAnswerSchema>;

export const rebuildListSchema = z.object({
  rebuilds: z.array(rebuildAnswerSchema).meta({ description: 'Newest first, at most 20' }),
});

export const REBUILD_EXAMPLE: RebuildAnswer = {
  id: '7',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  state: 'done',
  phase: 'open',
  kind: 'lost',
  reason: 'item is missing',
  actor: 'system',
  attempts: 1,
  lastFailure: null,
  epoch: 2,
  relayed: 0,
  unreadable: 0,
  orders: 118,
  available: 382,
  startedAt: '2026-01-01T10:15:00.000Z',
  doneAt: '2026-01-01T10:15:00.412Z',
  durationMs: 412,
};

export function rebuildAnswer(rebuild: RebuildEntity): RebuildAnswer {
  const { id, saleId, productId, state, phase, kind, reason, actor, attempts, lastFailure } = rebuild;
  const { epoch, relayed, unreadable, orders, available, startedAt, doneAt } = rebuild;
  return {
    ...{ id, saleId, productId, state, phase, kind, reason, actor, attempts, lastFailure },
    ...{ epoch, relayed, unreadable, orders, available },
    startedAt: startedAt.toISOString(),
    doneAt: doneAt?.toISOString() ?? null,
    durationMs: doneAt === null ? null : doneAt.getTime() - startedAt.getTime(),
  };
}
