import { hash } from 'node:crypto';

interface Puzzles {
  readonly challenge: string;
  readonly seed: string;
  readonly puzzles: number;
  readonly bits: number;
}

/** The header `x-challenge` of a shopper who has done the work: as the documentation tells it, with no code of ours. */
export function solved({ challenge, seed, puzzles, bits }: Puzzles): string {
  const counters = Array.from({ length: puzzles }, (_, puzzle) => firstCounter(`${seed}:${puzzle}:`, bits));
  return `${challenge}~${counters.join(',')}`;
}

/** Where counting ends. The least that a test asks for is quickly found. */
function firstCounter(prefix: string, bits: number): number {
  for (let counter = 0; ; counter += 1) {
    if (hash('sha256', `${prefix}${counter}`, 'buffer').readUInt32BE(0) >>> (32 - bits) === 0) return counter;
  }
}
