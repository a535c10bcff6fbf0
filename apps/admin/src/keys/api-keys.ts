import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Role } from './roles';

/** Who sends a request, and what they may do. */
export interface KeyOwner {
  readonly name: string;
  readonly role: Role;
}

/** A key of the environment: its owner and its SHA-256. The key itself is nowhere in the process. */
export interface ApiKey extends KeyOwner {
  readonly digest: Buffer;
}

/** Who the audit log names where no person acted: closing at `closesAt`, retiring. No caller may bear the name. */
export const SYSTEM_ACTOR = 'system';

const NAME = '[A-Za-z0-9._-]{1,40}';
const DIGEST = '[0-9a-f]{64}';
const OPERATOR_ENTRY = new RegExp(`^(${NAME}):(${DIGEST})(?::(viewer|operator|owner))?$`);
const SERVICE_ENTRY = new RegExp(`^(${NAME}):(${DIGEST})$`);

/** The name of whoever gets a key. */
export const keyNameSchema = z
  .string()
  .regex(new RegExp(`^${NAME}$`), `must match ${NAME}`)
  .refine((name) => name !== SYSTEM_ACTOR, `must not be "${SYSTEM_ACTOR}"`);

const SERVICE_FORM = 'must be <name>:<sha256 hex of the key>, separated by commas; no name may be "system"';
const OPERATOR_FORM =
  'must be <name>:<sha256 hex of the key>, :viewer or :operator behind it for one that may do less than an owner, ' +
  'separated by commas; no name may be "system", and one must be an owner';

/**
 * `FLUX_OPERATOR_KEYS`. An operator may have several keys while one is replaced, so names repeat freely. One is an
 * owner's, so that nobody can lock everybody out.
 */
export const operatorKeysSetting = z
  .string(OPERATOR_FORM)
  .transform((text, context) => {
    const keys = entriesOf(text).map(operatorKeyOf);
    const known = keys.filter((key) => key !== undefined);
    if (known.length === keys.length && known.some(({ role }) => role === 'owner')) return known;
    context.addIssue({ code: 'custom', message: OPERATOR_FORM });
    return z.NEVER;
  })
  .meta({
    description: 'Who may use the operator API; an operator may have two keys while one is replaced',
    unit: '<name>:<sha256 hex of the key>[:viewer | :operator | :owner], separated by commas; owner by default; required',
    example: '',
  });

/** `FLUX_SERVICE_KEYS`. Empty: only keys that owners gave out open the shop-service API. */
export const serviceKeysSetting = z
  .string(SERVICE_FORM)
  .prefault('')
  .transform((text, context) => {
    const keys = text === '' ? [] : entriesOf(text).map(serviceKeyOf);
    if (keys.every((key) => key !== undefined)) return keys;
    context.addIssue({ code: 'custom', message: SERVICE_FORM });
    return z.NEVER;
  })
  .meta({
    description:
      "Which of the shop's services may use the shop-service API; empty: those with a key that an owner gave out",
    unit: '<name>:<sha256 hex of the key>, separated by commas',
    example: '',
  });

function entriesOf(text: string): readonly string[] {
  return text.split(',').map((entry) => entry.trim());
}

function operatorKeyOf(entry: string): ApiKey | undefined {
  const [, name, digest, role = 'owner'] = OPERATOR_ENTRY.exec(entry) ?? [];
  return keyOf(name, digest, role as Role);
}

function serviceKeyOf(entry: string): ApiKey | undefined {
  const [, name, digest] = SERVICE_ENTRY.exec(entry) ?? [];
  return keyOf(name, digest, 'service');
}

function keyOf(name: string | undefined, digest: string | undefined, role: Role): ApiKey | undefined {
  if (name === undefined || digest === undefined || name === SYSTEM_ACTOR) return undefined;
  return { name, role, digest: Buffer.from(digest, 'hex') };
}

/**
 * Whose digest it is. Digests of equal length are compared in constant time, and every one of them, so that the
 * time tells neither how much of a key was right nor whose it was.
 */
export function ownerOfDigest(keys: readonly ApiKey[], digest: Buffer): ApiKey | undefined {
  let found: ApiKey | undefined;
  for (const key of keys) {
    if (timingSafeEqual(key.digest, digest)) found = key;
  }
  return found;
}
