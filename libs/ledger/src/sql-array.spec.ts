import { numberArray, textArray } from './sql-array';

describe('an array literal', () => {
  it('quotes every text and leaves out what is undefined', () => {
    expect(textArray(['a', 'NULL', undefined, ''])).toBe('{"a","NULL",NULL,""}');
    expect(textArray([])).toBe('{}');
  });

  it('escapes what would end a text', () => {
    expect(textArray(['a"b', String.raw`a\b`, undefined])).toBe(String.raw`{"a\"b","a\\b",NULL}`);
  });

  it('writes numbers as they are', () => {
    expect(numberArray([1, undefined, 9_007_199_254_740_991])).toBe('{1,NULL,9007199254740991}');
  });
});
