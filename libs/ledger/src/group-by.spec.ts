import { groupBy } from './group-by';

describe('groupBy', () => {
  it('keeps the order of keys and of the elements of each', () => {
    const groups = groupBy(['b1', 'a1', 'b2', 'a2', 'c1'], ([letter = '']) => letter);
    expect([...groups]).toEqual([
      ['b', ['b1', 'b2']],
      ['a', ['a1', 'a2']],
      ['c', ['c1']],
    ]);
  });

  it('of nothing has no group', () => {
    expect(groupBy([], String).size).toBe(0);
  });
});
