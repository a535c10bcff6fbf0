/**
 * Everyone who ever had an order of an item accepted, as sorted hashes of 8 bytes each: a shopper outside it has nothing
 * to replay and may be refused locally. A collision (1 in 10^10 for a million buyers) only sends a shopper to the gate.
 */
export class Buyers {
  private constructor(private readonly hashes: Float64Array) {}

  /** Takes the names one by one, and keeps none of them. */
  static async of(shopperIds: AsyncIterable<string> | Iterable<string>): Promise<Buyers> {
    let hashes = new Float64Array(1_024);
    let size = 0;
    for await (const shopperId of shopperIds) {
      if (size === hashes.length) {
        const larger = new Float64Array(size * 2);
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

/**
 * 53 bits: FNV-1a (RFC 9923) over the name forwards and backwards. Asked at each local refusal, where SHA-256 and its
 * BigInt took 3 us. That it can be forged costs nothing: whoever meets a buyer's hash goes to the gate, as does whoever
 * claims the buyer's name.
 */
function shopperKey(shopperId: string): number {
  let forwards = FNV_OFFSET;
  let backwards = FNV_OFFSET;
  for (let at = 0, end = shopperId.length - 1; at <= end; at += 1) {
    forwards = Math.imul(forwards ^ shopperId.charCodeAt(at), FNV_PRIME);
    backwards = Math.imul(backwards ^ shopperId.charCodeAt(end - at), FNV_PRIME);
  }
  return (forwards >>> 0) * 2 ** 21 + (backwards >>> 11);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
