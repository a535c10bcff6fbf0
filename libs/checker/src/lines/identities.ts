import { FORGOTTEN_SHOPPER_PATTERN } from '@flux/contracts';

/**
 * Whether a row's shopper is the one that Kafka or a client names. A shopper who was forgotten has another name in the
 * row; then every order of the one must be of the other, or the accounts of shoppers were mixed up.
 */
export class Identities {
  private readonly namesOf = new Map<string, string>();
  private readonly pseudonymsOf = new Map<string, string>();

  agree(inRow: string, elsewhere: string): boolean {
    if (inRow === elsewhere) return true;
    if (!FORGOTTEN_SHOPPER_PATTERN.test(inRow)) return false;
    const name = this.namesOf.get(inRow) ?? elsewhere;
    const pseudonym = this.pseudonymsOf.get(elsewhere) ?? inRow;
    this.namesOf.set(inRow, name);
    this.pseudonymsOf.set(elsewhere, pseudonym);
    return name === elsewhere && pseudonym === inRow;
  }
}
