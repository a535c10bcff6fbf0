import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { FirstWord } from './sha256';

const firstWord = new FirstWord();

describe('the first word of a SHA-256', () => {
  it.each([
    ['', 0xe3b0c442],
    ['abc', 0xba7816bf],
  ])('of %j is that of the standard', (text, expected) => {
    expect(firstWord.of(text)).toBe(expected);
  });

  it('is what everybody else computes, for texts up to one block', () => {
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 55 });
    fc.assert(
      fc.property(ascii, (text) => {
        expect(firstWord.of(text)).toBe(createHash('sha256').update(text).digest().readUInt32BE(0));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is of no longer text', () => {
    expect(() => firstWord.of('x'.repeat(56))).toThrow(RangeError);
  });
});
