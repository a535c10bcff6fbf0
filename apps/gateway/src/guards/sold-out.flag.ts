/** Whoever ever had an order of the item accepted. */
export interface BuyerSet {
  has(shopperId: string): boolean;
}

/** A sold-out answer is believed for so long, counted from when the gate was asked. */
export const TRUST_MS = 250;

/** From this age on, single requests go to the gate to renew the answer before it ends. */
const RENEW_FROM_MS = TRUST_MS / 2;

/** One request at a time; the next one when that one has not come back with an answer. */
const RENEW_EVERY_MS = 25;

/**
 * What one gateway knows of one item being sold out. Pure: times come in, in milliseconds of a clock that never steps
 * back.
 */
export class SoldOutFlag {
  private answer: { readonly askedAtMs: number; readonly version: number } | undefined;
  private buyers: { readonly version: number; readonly set: BuyerSet } | undefined;
  private loweredAtMs = -Infinity;
  private renewedAtMs = -Infinity;

  /** The gate found 0 available. Answers that were asked for before the last `lower` or another answer say nothing. */
  raise(version: number, askedAtMs: number): void {
    if (askedAtMs <= this.loweredAtMs || askedAtMs < (this.answer?.askedAtMs ?? -Infinity)) return;
    this.answer = { askedAtMs, version };
  }

  /** Units may have come back at that time. */
  lower(atMs: number): void {
    if (atMs < this.loweredAtMs) return;
    this.loweredAtMs = atMs;
    if (this.answer !== undefined && this.answer.askedAtMs <= atMs) this.answer = undefined;
  }

  /** The version whose buyers are needed and not there. */
  missingBuyers(): number | undefined {
    return this.answer !== undefined && this.answer.version !== this.buyers?.version
      ? this.answer.version
      : undefined;
  }

  /** Buyers that were read after the gate had given an answer of this version. */
  setBuyers(version: number, set: BuyerSet): void {
    this.buyers = { version, set };
  }

  /**
   * Whether this shopper may be refused without asking the gate: the answer is young, its buyers are known, and the
   * shopper is none of them (a buyer may have a 202 to get again). In the second half of the answer's life, one
   * request every 25 ms is let through.
   */
  refuses(shopperId: string, nowMs: number): boolean {
    const { answer, buyers } = this;
    if (answer === undefined || buyers?.version !== answer.version) return false;
    const ageMs = nowMs - answer.askedAtMs;
    if (ageMs >= TRUST_MS || buyers.set.has(shopperId)) return false;
    if (ageMs < RENEW_FROM_MS || nowMs - this.renewedAtMs < RENEW_EVERY_MS) return true;
    this.renewedAtMs = nowMs;
    return false;
  }
}
