import { ACCESS_LISTS, ACCESS_RULE_KINDS, accessRuleSchema } from '@flux/contracts';
import type { AccessRuleEntity } from '@flux/ledger';
import { z } from 'zod';

const about = {
  reason: z.string().trim().min(1).max(200),
  expiresAt: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'Until when it is in force; without it, until it is removed' }),
};
const [network, shopper] = accessRuleSchema.options;

export const newAccessRuleSchema = z.discriminatedUnion('kind', [
  network.extend(about).strict(),
  shopper.extend(about).strict(),
]);

export const accessRuleAnswerSchema = z.object({
  id: z.string(),
  list: z.enum(ACCESS_LISTS),
  kind: z.enum(ACCESS_RULE_KINDS),
  value: z.string().meta({ description: 'A network in its one spelling, or the id of a shopper' }),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
});
export type AccessRuleAnswer = z.infer<typeof accessRuleAnswerSchema>;

export const accessRulePageSchema = z.object({
  rules: z.array(accessRuleAnswerSchema),
  next: z.string().nullable(),
});

export const NEW_NETWORK_EXAMPLE = {
  list: 'deny',
  kind: 'cidr',
  value: '203.0.113.0/24',
  reason: 'Buys with hundreds of accounts',
  expiresAt: '2030-01-01T00:00:00.000Z',
};
export const NEW_SHOPPER_EXAMPLE = {
  list: 'deny',
  kind: 'shopper',
  value: 'mallory@example.com',
  reason: 'Resells',
};
export const ACCESS_RULE_EXAMPLE: AccessRuleAnswer = {
  id: '7',
  list: 'deny',
  kind: 'cidr',
  value: '203.0.113.0/24',
  reason: 'Buys with hundreds of accounts',
  createdBy: 'anna',
  createdAt: '2026-01-01T08:00:00.000Z',
  expiresAt: '2030-01-01T00:00:00.000Z',
};

export function accessRuleAnswer(rule: AccessRuleEntity): AccessRuleAnswer {
  const { id, list, kind, value, reason, createdBy, createdAt, expiresAt } = rule;
  return {
    id,
    list,
    kind,
    value,
    reason,
    createdBy,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
