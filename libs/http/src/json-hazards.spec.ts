import fc from 'fast-check';
import { jsonHazardOf } from './json-hazards';

describe('jsonHazardOf', () => {
  it.each([
    ['{"a":1,"a":2}', 'duplicate-key'],
    ['{"a":1,"\\u0061":2}', 'duplicate-key'],
    ['{"x":{"a":[{"b":1,"b":2}]}}', 'duplicate-key'],
    ['{"a":{"a":1},"b":["a","a"],"c":"a"}', undefined],
    ['[{"a":1},{"a":2}]', undefined],
    ['{"a":",\\"a\\":{","b":1}', undefined],
    ['{"a":"\\u0000"}', 'unsafe-string'],
    ['{"a":"\\\\u0000"}', undefined],
    ['{"a":"\\ud800"}', 'unsafe-string'],
    ['{"a":"\\ud83d\\ude00 \u{1F600}"}', undefined],
    ['', undefined],
    ['{"a', undefined],
    ['}]{"\\', undefined],
  ])('%s: %s', (text, hazard) => {
    expect(jsonHazardOf(text)).toBe(hazard);
  });

  it('finds no key twice in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonHazardOf(JSON.stringify(value))).not.toBe('duplicate-key');
      }),
    );
  });

  it('takes any text, however deep it nests', () => {
    expect(jsonHazardOf('[{"a":'.repeat(100_000))).toBeUndefined();
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', 'u', '0') }),
        (text) => void jsonHazardOf(text),
      ),
    );
  });
});
