/** Longer texts take a second block, which the server never asks for. */
const MAX_TEXT = 55;

/**
 * First 32 bits of the SHA-256 (FIPS 180-4) of a short ASCII text. Nothing secret is hashed here: it is to be small and
 * fast. The browser's own is asynchronous, three times as slow for so small texts, and missing without https.
 */
export class FirstWord {
  private readonly constants = new Int32Array(64);
  private readonly start = new Int32Array(8);
  private readonly words = new Int32Array(64);

  constructor() {
    // Fractions of the roots of the first primes.
    for (let prime = 2, count = 0; count < 64; prime += 1) {
      if (!isPrime(prime)) continue;
      if (count < 8) this.start[count] = fraction(Math.sqrt(prime));
      this.constants[count++] = fraction(Math.cbrt(prime));
    }
  }

  of(text: string): number {
    const { constants, start, words } = this;
    this.fill(text);
    for (let at = 16; at < 64; at += 1) {
      const early = word(words, at - 15);
      const late = word(words, at - 2);
      const small = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const large = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[at] = word(words, at - 16) + small + word(words, at - 7) + large;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = start;
    for (let at = 0; at < 64; at += 1) {
      const choice = (e & f) ^ (~e & g);
      const one =
        (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + word(constants, at) + word(words, at)) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    return (word(start, 0) + a) >>> 0;
  }

  /** @throws RangeError for a text that takes two blocks */
  private fill(text: string): void {
    const { words } = this;
    const { length } = text;
    if (length > MAX_TEXT) throw new RangeError('too long for one block');
    words.fill(0, 0, 15);
    for (let at = 0; at < length; at += 1) put(words, at, text.charCodeAt(at));
    put(words, length, 0x80);
    words[15] = length * 8;
  }
}

function put(words: Int32Array, at: number, byte: number): void {
  words[at >> 2] = word(words, at >> 2) | (byte << (24 - 8 * (at & 3)));
}

/** The index is always within. */
function word(words: Int32Array, at: number): number {
  return words[at] as number;
}

function turn(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits));
}

function fraction(root: number): number {
  return ((root % 1) * 2 ** 32) | 0;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false;
  return true;
}
