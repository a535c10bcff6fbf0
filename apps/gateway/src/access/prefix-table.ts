import type { AccessList } from '@flux/contracts';

/** Networks of one length, by the bits that they share. */
interface Prefixes<Bits> {
  readonly length: number;
  readonly networks: Map<Bits, AccessList>;
}

/**
 * What is said of networks of one family. A search takes one step for each length that occurs, however many networks
 * there are.
 */
export class PrefixTable<Bits extends number | bigint> {
  /** Longest first. */
  private readonly byLength: Prefixes<Bits>[] = [];

  /** @param prefixOf the first so many bits of an address */
  constructor(private readonly prefixOf: (bits: Bits, length: number) => Bits) {}

  /** Of two that are said of the very same network, `deny` stays. */
  enter(bits: Bits, length: number, list: AccessList): void {
    const prefix = this.prefixOf(bits, length);
    const { networks } = this.ofLength(length);
    if (networks.get(prefix) !== 'deny') networks.set(prefix, list);
  }

  /** What the smallest network says that the address is in. */
  find(bits: Bits): AccessList | undefined {
    for (const { length, networks } of this.byLength) {
      const list = networks.get(this.prefixOf(bits, length));
      if (list !== undefined) return list;
    }
    return undefined;
  }

  private ofLength(length: number): Prefixes<Bits> {
    const known = this.byLength.find((each) => each.length === length);
    if (known !== undefined) return known;
    const added = { length, networks: new Map<Bits, AccessList>() };
    this.byLength.push(added);
    this.byLength.sort((a, b) => b.length - a.length);
    return added;
  }
}
