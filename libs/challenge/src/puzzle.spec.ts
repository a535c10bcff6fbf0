import { solved } from '@flux/testing';
import { expectedHashes, isSolved, PUZZLES } from './puzzle';

const SEED = 'q8JfT2mXw0aYh5VbN3cLrA';

function counters(bits: number): string[] {
  const [, text = ''] = solved({ challenge: 'x', seed: SEED, puzzles: PUZZLES, bits }).split('~');
  return text.split(',');
}

describe('the puzzles', () => {
  const solution = counters(8);

  it('are solved by counters whose hashes begin with as many zero bits', () => {
    expect(isSolved(SEED, 8, solution)).toBe(true);
  });

  it('are not solved with one counter wrong, missing, too many or in another place', () => {
    const [first = '', second = '', ...others] = solution;
    expect(isSolved(SEED, 8, [String(Number(first) + 1), second, ...others])).toBe(false);
    expect(isSolved(SEED, 8, [second, first, ...others])).toBe(false);
    expect(isSolved(SEED, 8, [first, ...others])).toBe(false);
    expect(isSolved(SEED, 8, [...solution, first])).toBe(false);
    expect(isSolved(SEED, 8, [])).toBe(false);
  });

  it('are solved for their own seed and for no more bits', () => {
    expect(isSolved('another-seed-of-length', 8, solution)).toBe(false);
    expect(isSolved(SEED, 20, solution)).toBe(false);
  });

  it('take twice the hashes for each bit', () => {
    expect(expectedHashes(13)).toBe(65_536);
    expect(expectedHashes(14)).toBe(131_072);
  });
});
