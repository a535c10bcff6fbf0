import { inspect } from 'node:util';
import { ConfigError, loadConfig } from '@flux/config';
import { tokenSettings } from './settings';

const SECRET = 'canary:secret-of-thirty-two-bytes-or-more';

function idsOf(text: string): readonly string[] {
  return loadConfig(tokenSettings, { FLUX_TOKEN_KEYS: text }).FLUX_TOKEN_KEYS.map(({ id }) => id);
}

describe('FLUX_TOKEN_KEYS', () => {
  it('names one key or two, the signing one first, or none', () => {
    expect(idsOf('')).toEqual([]);
    expect(idsOf(`a:${SECRET}`)).toEqual(['a']);
    expect(idsOf(`2026-07_b:${SECRET}, a:${'ä'.repeat(16)}`)).toEqual(['2026-07_b', 'a']);
  });

  it.each([
    ['no key id', SECRET.replaceAll(':', '-')],
    ['an empty key id', `:${SECRET}`],
    ['a path as the key id', `../../x:${SECRET}`],
    ['a long key id', `${'k'.repeat(17)}:${SECRET}`],
    ['a short secret', `a:canary-${'x'.repeat(24)}`],
    ['no secret', 'canary:'],
    ['one id twice', `a:${SECRET},a:${SECRET}2`],
    ['three keys', `a:${SECRET},b:${SECRET},c:${SECRET}`],
    ['a comma too many', `a:${SECRET},`],
  ])('refuses %s by the name of the variable, and repeats no value', (_name, text) => {
    const refused = (): unknown => idsOf(text);
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(/FLUX_TOKEN_KEYS: must be one or two of <key id>:<secret>/);
    expect(refused).not.toThrow(/canary/);
  });

  it('shows no secret wherever the configuration is printed', () => {
    const config = loadConfig(tokenSettings, { FLUX_TOKEN_KEYS: `a:${SECRET}` });
    expect(JSON.stringify(config) + inspect(config, { depth: 10 })).not.toContain('canary');
  });
});
