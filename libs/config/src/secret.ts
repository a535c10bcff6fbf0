import type { z } from 'zod';

/** HMAC-SHA256 is as strong as its key: RFC 2104 and RFC 7518 ask for one as long as the digest. */
export const MIN_KEY_BYTES = 32;

/** A server's password is guessed over the network, one try at a time: half a key is out of reach. */
export const MIN_PASSWORD_BYTES = 16;

/** A random text of 32 characters, of 16 hexadecimal digits even, has more different ones than these. */
const MIN_DIFFERENT_CHARACTERS = 8;

/** What stands in the place of a secret until somebody thinks of one: in our own examples and in everybody's. */
const PLACEHOLDER =
  /change.?(me|this|it)|example|placeholder|replace.?(me|this|with)|(your|my|some).?(own.?)?(secret|key|password|token)|^[<{].*[>}]$|\.\.\./i;

/** How a variable's text holds secrets. */
export interface SecretTraits {
  /** The secrets in the text; an empty one where one is missing. Called only with a text that is not empty. */
  readonly secretsIn: (text: string) => readonly string[];
  readonly minBytes: number;
  /** A flag that accepts any: for those who prove themselves to the server in another way. */
  readonly waiver?: string;
}

/** The whole text is a key. */
export const WHOLE_KEY: SecretTraits = { secretsIn: (text) => [text], minBytes: MIN_KEY_BYTES };

/** Keys separated by commas. */
export const LISTED_KEYS: SecretTraits = {
  secretsIn: (text) => text.split(',').map((secret) => secret.trim()),
  minBytes: MIN_KEY_BYTES,
};

/** The whole text is a password. */
export const WHOLE_PASSWORD: SecretTraits = { secretsIn: (text) => [text], minBytes: MIN_PASSWORD_BYTES };

/** The passwords of URLs separated by commas; a URL without one is a missing password unless the flag waives it. */
export function passwordsOfUrls(waiver: string): SecretTraits {
  return {
    secretsIn: (text) => text.split(',').map((url) => passwordOf(URL.parse(url)?.password ?? '')),
    minBytes: MIN_PASSWORD_BYTES,
    waiver,
  };
}

/**
 * Marks a setting as a secret: `loadConfig` takes it from the file that `<NAME>_FILE` names, too, and refuses a weak one
 * in production.
 */
export function secretSetting<Setting extends z.ZodType>(
  setting: Setting,
  traits: SecretTraits = WHOLE_KEY,
): Setting {
  return setting.meta({ ...setting.meta(), secret: traits });
}

/** The traits of a setting that is a secret; undefined of any other. */
export function secretTraitsOf(setting: z.ZodType): SecretTraits | undefined {
  return setting.meta()?.['secret'] as SecretTraits | undefined;
}

/** Why no production system may rely on the secret; undefined where it may. Never repeats it. */
export function weaknessOf(secret: string, minBytes: number): string | undefined {
  if (secret === '') return 'is missing';
  if (Buffer.byteLength(secret) < minBytes) return `is shorter than ${minBytes} bytes`;
  if (PLACEHOLDER.test(secret)) return 'is an example, not a secret';
  return hasVariety(secret) ? undefined : 'has too little variety to be random';
}

function hasVariety(secret: string): boolean {
  const counts = new Map<string, number>();
  for (const character of secret) counts.set(character, (counts.get(character) ?? 0) + 1);
  const isMostlyOne = Math.max(...counts.values()) > secret.length / 2;
  return counts.size >= MIN_DIFFERENT_CHARACTERS && !isMostlyOne && !repeatsItself(secret);
}

/** Whether the text is one piece over and over: a shift by the piece's length changes nothing. */
function repeatsItself(text: string): boolean {
  const shift = (text + text).indexOf(text, 1);
  return shift <= text.length / 2;
}

/** As the server is told it. */
function passwordOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
