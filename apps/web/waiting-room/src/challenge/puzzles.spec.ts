import { ProofOfWork, PUZZLES, type PowTerms } from '@flux/challenge';
import { Tokens } from '@flux/tokens';
import { solve } from './puzzles';

const TERMS: PowTerms = { saleId: 'drop', action: 'join', asked: 'pow', subject: 'somebody', bits: 10 };

it('solves what the server asks for, as the server checks it', () => {
  const pow = new ProofOfWork(new Tokens([]));
  const { challenge, seed } = pow.issue(TERMS);
  const counters = solve({ seed, puzzles: PUZZLES, bits: TERMS.bits });
  expect(pow.read(`${challenge}~${counters.join(',')}`, TERMS)).toEqual({ outcome: 'proven', seed });
});
