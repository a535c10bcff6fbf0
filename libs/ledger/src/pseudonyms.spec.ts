import { FORGOTTEN_SHOPPER_PATTERN } from '@flux/contracts';
import { Pseudonyms } from './pseudonyms';

test('a shopper has one pseudonym in a run, which says nothing, and another in the next', () => {
  const [names, others] = [new Pseudonyms(), new Pseudonyms()];
  expect(names.of('ann')).toMatch(FORGOTTEN_SHOPPER_PATTERN);
  expect(names.of('ann')).toBe(names.of('ann'));
  expect(new Set([names.of('ann'), names.of('bob'), others.of('ann')]).size).toBe(3);
});
