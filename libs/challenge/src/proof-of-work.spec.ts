import { Tokens } from '@flux/tokens';
import { solved } from '@flux/testing';
import fc from 'fast-check';
import { POW_LIFETIME_MS, ProofOfWork, type PowTerms } from './proof-of-work';
import { PUZZLES } from './puzzle';

const TERMS: PowTerms = { saleId: 'drop', action: 'join', asked: 'pow', subject: 'aaaaaaaaaaaaaa', bits: 8 };
const CLOCK_LEEWAY_MS = 5_000;

function world() {
  const clock = { nowMs: 1_000_000 };
  const now = () => clock.nowMs;
  const pow = new ProofOfWork(new Tokens([], now), now);
  const proofOf = (terms: PowTerms = TERMS): string => {
    const { challenge, seed } = pow.issue(terms);
    return solved({ challenge, seed, puzzles: PUZZLES, bits: terms.bits });
  };
  return { clock, pow, proofOf };
}

describe('a proof of work', () => {
  it('is good for the terms that it was given out for, and known by its seed', () => {
    const { pow, proofOf } = world();
    const reading = pow.read(proofOf(), TERMS);
    expect(reading).toEqual({ outcome: 'proven', seed: expect.stringMatching(/^[\w-]{22}$/) as string });
    expect(pow.read(proofOf(), TERMS)).not.toEqual(reading);
  });

  it.each([
    ['another sale', { saleId: 'drop2' }],
    ['another action', { action: 'purchase' }],
    ['another shopper', { subject: 'bbbbbbbbbbbbbb' }],
    ['a sale that asks for something else now', { asked: 'captcha' }],
  ] as const)('is not good for %s', (_name, terms) => {
    const { pow, proofOf } = world();
    expect(pow.read(proofOf(), { ...TERMS, ...terms })).toEqual({ outcome: 'otherTerms' });
  });

  it('is not good for a sale that asks for more meanwhile, and is for one that asks for less', () => {
    const { pow, proofOf } = world();
    expect(pow.read(proofOf(), { ...TERMS, bits: 9 })).toEqual({ outcome: 'tooEasy' });
    expect(pow.read(proofOf({ ...TERMS, bits: 9 }), TERMS).outcome).toBe('proven');
  });

  it('is not good with less work than was signed, whatever the sale asks for', () => {
    const { pow } = world();
    const { challenge, seed } = pow.issue({ ...TERMS, bits: 20 });
    const lazy = solved({ challenge, seed, puzzles: PUZZLES, bits: 8 });
    expect(pow.read(lazy, TERMS)).toEqual({ outcome: 'unsolved' });
  });

  it('ends with its time', () => {
    const { clock, pow, proofOf } = world();
    const proof = proofOf();
    clock.nowMs += POW_LIFETIME_MS + CLOCK_LEEWAY_MS - 1;
    expect(pow.read(proof, TERMS).outcome).toBe('proven');
    clock.nowMs += 1;
    expect(pow.read(proof, TERMS)).toEqual({ outcome: 'expired' });
  });

  it('is forged with another key, or where it is another token of ours', () => {
    const { pow, proofOf } = world();
    expect(world().pow.read(proofOf(), TERMS)).toEqual({ outcome: 'forged' });
    const tokens = new Tokens([]);
    const pass = tokens.sign({ type: 'pass', fields: ['drop'], lifetimeMs: 1_000 });
    expect(new ProofOfWork(tokens).read(`${pass}~0,0,0,0,0,0,0,0`, TERMS)).toEqual({ outcome: 'forged' });
    expect(pow.read(`A${proofOf()}`, TERMS)).toEqual({ outcome: 'forged' });
  });

  it('has one form', () => {
    const { pow, proofOf } = world();
    const proof = proofOf();
    for (const text of [
      '',
      '~',
      proof.split('~')[0] ?? '',
      `${proof},1`,
      proof.replace(/,\d+$/, ''),
      proof.replace('~', '~-'),
      ` ${proof}`,
      `${proof}\n`,
      `${'A'.repeat(401)}~0,0,0,0,0,0,0,0`,
      `A~0,0,0,0,0,0,0,${'1'.repeat(11)}`,
      `A~${'0,'.repeat(10_000)}0`,
    ]) {
      expect(pow.read(text, TERMS)).toEqual({ outcome: 'malformed' });
    }
  });

  it('never throws, whatever the text', () => {
    const { pow } = world();
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), (text) => {
        expect(pow.read(text, TERMS).outcome).not.toBe('proven');
      }),
    );
  });
});
