import { hash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** A caller and the SHA-256 of the key. The key itself is nowhere in the process. */
export interface ApiKey {
  readonly name: string;
  readonly digest: Buffer;
}

/** Who the audit log names where no person acted: closing at `closesAt`, retiring. No caller may bear the name. */
export const SYSTEM_ACTOR = 'system';

const ENTRY_PATTERN = /^([A-Za-z0-9._-]{1,40}):([0-9a-f]{64})$/;
const FORM = 'must be <name>:<sha256 hex of the key>, separated by commas; no name may be "system"';
const UNIT = '<name>:<sha256 hex of the key>, separated by commas';

/** `FLUX_OPERATOR_KEYS`. An operator may have several keys while one is replaced, so names repeat freely. */
export const operatorKeysSetting = z
  .string(FORM)
  .transform(apiKeysOf)
  .meta({
    description: 'Who may use the operator API; an operator may have two keys while one is replaced',
    unit: `${UNIT}; required`,
    example: '',
  });

/** `FLUX_SERVICE_KEYS`. Empty: the shop-service API refuses everybody. */
export const serviceKeysSetting = z
  .string(FORM)
  .prefault('')
  .transform((text, context) => (text === '' ? [] : apiKeysOf(text, context)))
  .meta({
    description: "Which of the shop's services may use the shop-service API; empty: none",
    unit: UNIT,
    example: '',
  });

function apiKeysOf(text: string, context: z.RefinementCtx<string>): readonly ApiKey[] {
  const keys = text.split(',').map((entry) => apiKeyOf(entry.trim()));
  if (keys.every((key) => key !== undefined)) return keys;
  context.addIssue({ code: 'custom', message: FORM });
  return z.NEVER;
}

function apiKeyOf(entry: string): ApiKey | undefined {
  const [, name, digest] = ENTRY_PATTERN.exec(entry) ?? [];
  if (name === undefined || digest === undefined || name === SYSTEM_ACTOR) return undefined;
  return { name, digest: Buffer.from(digest, 'hex') };
}

/**
 * Whom a key belongs to. Digests of equal length are compared in constant time, and every one of them, so that the
 * time tells neither how much of a key was right nor whose it was.
 */
export function ownerOfKey(keys: readonly ApiKey[], presented: string): string | undefined {
  const digest = hash('sha256', presented, 'buffer');
  let found: string | undefined;
  for (const key of keys) {
    if (timingSafeEqual(key.digest, digest)) found = key.name;
  }
  return found;
}
