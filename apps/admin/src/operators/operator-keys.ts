import { hash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** An operator and the SHA-256 of the key. The key itself is nowhere in the process. */
export interface OperatorKey {
  readonly name: string;
  readonly digest: Buffer;
}

/** Who the audit log names where no person acted: closing at `closesAt`, retiring. No operator may bear the name. */
export const SYSTEM_ACTOR = 'system';

const ENTRY_PATTERN = /^([A-Za-z0-9._-]{1,40}):([0-9a-f]{64})$/;
const FORM = 'must be <name>:<sha256 hex of the key>, separated by commas; no name may be "system"';

/** `FLUX_OPERATOR_KEYS`. An operator may have several keys while one is replaced, so names repeat freely. */
export const operatorKeysSetting = z
  .string(FORM)
  .transform((text, context): readonly OperatorKey[] => {
    const keys = text.split(',').map((entry) => operatorKeyOf(entry.trim()));
    if (keys.every((key) => key !== undefined)) return keys;
    context.addIssue({ code: 'custom', message: FORM });
    return z.NEVER;
  })
  .meta({
    description: 'Who may use the operator API; an operator may have two keys while one is replaced',
    unit: '<name>:<sha256 hex of the key>, separated by commas; required',
    example: '',
  });

function operatorKeyOf(entry: string): OperatorKey | undefined {
  const [, name, digest] = ENTRY_PATTERN.exec(entry) ?? [];
  if (name === undefined || digest === undefined || name === SYSTEM_ACTOR) return undefined;
  return { name, digest: Buffer.from(digest, 'hex') };
}

/**
 * The operator that a key belongs to. Digests of equal length are compared in constant time, and every one of them,
 * so that the time tells neither how much of a key was right nor whose it was.
 */
export function operatorOfKey(keys: readonly OperatorKey[], presented: string): string | undefined {
  const digest = hash('sha256', presented, 'buffer');
  let found: string | undefined;
  for (const key of keys) {
    if (timingSafeEqual(key.digest, digest)) found = key.name;
  }
  return found;
}
