import { FirstWord } from './sha256';

/** What a proof of work asks for. */
export interface Puzzles {
  readonly seed: string;
  readonly puzzles: number;
  readonly bits: number;
}

/** For each puzzle the first counter whose hash begins with enough zero bits. Takes 8 · 2^bits hashes for eight of them. */
export function solve({ seed, puzzles, bits }: Puzzles): readonly number[] {
  const firstWord = new FirstWord();
  return Array.from({ length: puzzles }, (_, puzzle) => {
    for (let counter = 0; ; counter += 1) {
      if (Math.clz32(firstWord.of(`${seed}:${puzzle}:${counter}`)) >= bits) return counter;
    }
  });
}
