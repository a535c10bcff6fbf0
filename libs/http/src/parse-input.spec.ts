import { ProblemError, purchaseBodySchema } from '@flux/contracts';
import { parseInput } from './parse-input';

function refusalOf(value: unknown): ProblemError {
  try {
    parseInput(purchaseBodySchema, value);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parseInput', () => {
  it('answers the value as the schema reads it', () => {
    expect(parseInput(purchaseBodySchema, { productId: 'p' })).toEqual({ productId: 'p', quantity: 1 });
  });

  it('names each wrong field by its JSON pointer and repeats no value', () => {
    const refusal = refusalOf({ productId: 'canary{}', quantity: 'canary', 'canary/~': 'canary' });
    expect(refusal.code).toBe('invalid-request');
    expect(refusal.extra.errors?.map(({ pointer }) => pointer).sort()).toEqual([
      '',
      '/productId',
      '/quantity',
    ]);
    expect(JSON.stringify(refusal.extra)).not.toContain('canary');
  });

  it.each([[undefined], [null], ['text'], [[]], [7]])('refuses a body that is no object: %j', (body) => {
    expect(refusalOf(body).extra.errors).toHaveLength(1);
  });
});
