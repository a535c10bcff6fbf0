import { compareEntryIds } from './entry-id';

describe('compareEntryIds', () => {
  it('orders by epoch, then by sequence, as numbers', () => {
    const ids = ['2-1', '1-10', '0-0', '1-9', '10-1'];
    expect([...ids].sort(compareEntryIds)).toEqual(['0-0', '1-9', '1-10', '2-1', '10-1']);
    expect(compareEntryIds('1-9', '1-9')).toBe(0);
  });
});
