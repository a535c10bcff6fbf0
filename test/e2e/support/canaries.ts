import { randomBytes } from 'node:crypto';

/** Secrets that can be told from every other text: whoever meets one of them again knows where it came from. */
export class Canaries {
  private readonly names = new Map<string, string>();

  /** A new secret of at least 32 bytes, as letters, digits and hyphens. */
  make(name: string): string {
    return this.add(name, `canary-${randomBytes(24).toString('hex')}`);
  }

  /** A secret that somebody else made. */
  add(name: string, secret: string): string {
    if (secret.length < 16) throw new Error(`${name} is too short to be told from other text`);
    this.names.set(secret, name);
    return secret;
  }

  /** The names of those that stand in a text: as they are, as base64 or percent-encoded. */
  foundIn(text: string): readonly string[] {
    return [...this.names]
      .filter(([secret]) => spellingsOf(secret).some((spelling) => text.includes(spelling)))
      .map(([, name]) => name);
  }

  get all(): readonly string[] {
    return [...this.names.values()];
  }
}

function spellingsOf(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ];
}
