import { hash } from 'node:crypto';

/**
 * Everyone who ever had an order of an item accepted, as sorted 8-byte hashes: a shopper outside it has nothing to
 * replay and may be refused locally. A collision (1 in 10^13 for a million buyers) only sends a shopper to the gate.
 */
export class Buyers {
  private constructor(private readonly hashes: BigUint64Array) {}

  /** Takes the names one by one, and keeps none of them. */
  static async of(shopperIds: AsyncIterable<string> | Iterable<string>): Promise<Buyers> {
    let hashes = new BigUint64Array(1_024);
    let size = 0;
    for await (const shopperId of shopperIds) {
      if (size === hashes.length) {
        const larger = new BigUint64Array(size * 2);
        larger.set(hashes);
        hashes = larger;
      }
      hashes[size] = shopperKey(shopperId);
      size += 1;
    }
    return new Buyers(hashes.slice(0, size).sort());
  }

  /** Entries; a shopper whom the scan met twice counts twice. */
  get size(): number {
    return this.hashes.length;
  }

  has(shopperId: string): boolean {
    const wanted = shopperKey(shopperId);
    let from = 0;
    let to = this.hashes.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const found = this.hashes[middle];
      if (found === wanted) return true;
      if (found !== undefined && found < wanted) from = middle + 1;
      else to = middle;
    }
    return false;
  }
}

function shopperKey(shopperId: string): bigint {
  return hash('sha256', shopperId, 'buffer').readBigUInt64LE();
}
