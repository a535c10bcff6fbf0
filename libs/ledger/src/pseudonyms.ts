import { createHmac, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;
const NAME_CHARACTERS = 22;

/**
 * Names for shoppers who are forgotten: the same one gets the same name while this object lives. The key is random and
 * kept nowhere else, so that afterwards nobody can find the name of a shopper, and no two sales can be linked.
 */
export class Pseudonyms {
  private readonly key = randomBytes(KEY_BYTES);

  of(shopperId: string): string {
    const digest = createHmac('sha256', this.key).update(shopperId).digest('base64url');
    return `forgotten-${digest.slice(0, NAME_CHARACTERS)}`;
  }
}
