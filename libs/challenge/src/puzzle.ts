import { hash } from 'node:crypto';

/**
 * So many small puzzles in place of one large one, so that few shoppers have bad luck: one in a hundred takes more than twice
 * the mean, where one puzzle of the same mean would take more than twice for one in seven, five times for one in 150.
 */
export const PUZZLES = 8;

/** Hashes that a proof takes on average: each zero bit that is asked for doubles them. */
export function expectedHashes(bits: number): number {
  return PUZZLES * 2 ** bits;
}

/**
 * Whether the counters solve the puzzles of a seed: SHA-256 of `<seed>:<puzzle>:<counter>` begins with so many zero bits,
 * for each puzzle from 0 on. The text fits in one block of SHA-256, so that no solver saves work by keeping what all
 * texts begin with.
 */
export function isSolved(seed: string, bits: number, counters: readonly string[]): boolean {
  return (
    counters.length === PUZZLES &&
    counters.every((counter, puzzle) => leadingZeroBits(`${seed}:${puzzle}:${counter}`) >= bits)
  );
}

function leadingZeroBits(text: string): number {
  const digest = hash('sha256', text, 'buffer');
  // Twenty bits are asked for at most.
  return Math.clz32(digest.readUInt32BE(0));
}
