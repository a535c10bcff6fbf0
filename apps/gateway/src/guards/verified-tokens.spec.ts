import { inspect } from 'node:util';
import { VerifiedTokens } from './verified-tokens';

const LEEWAY_MS = 5_000;
const later = () => Date.now() + 60_000;

describe('VerifiedTokens', () => {
  it('knows a token until it expires, leeway included', () => {
    const tokens = new VerifiedTokens({ leewayMs: LEEWAY_MS });
    tokens.add('good', { shopper: 'ada', expiresAtMs: later() });
    tokens.add('just expired', { shopper: 'bob', expiresAtMs: Date.now() - LEEWAY_MS / 2 });
    tokens.add('expired', { shopper: 'eve', expiresAtMs: Date.now() - LEEWAY_MS });
    expect(tokens.find('good')).toBe('ada');
    expect(tokens.find('just expired')).toBe('bob');
    expect(tokens.find('expired')).toBeUndefined();
    expect(tokens.find('other')).toBeUndefined();
    expect(tokens.size).toBe(2);
  });

  it('holds so many and no more: the first one goes', () => {
    const tokens = new VerifiedTokens({ leewayMs: LEEWAY_MS, max: 3 });
    for (const token of ['a', 'b', 'c', 'd']) tokens.add(token, { shopper: token, expiresAtMs: later() });
    expect(['a', 'b', 'c', 'd'].map((token) => tokens.find(token))).toEqual([undefined, 'b', 'c', 'd']);
  });

  it('holds no token, only what it hashes to', () => {
    const tokens = new VerifiedTokens({ leewayMs: LEEWAY_MS });
    tokens.add('canary', { shopper: 'ada', expiresAtMs: later() });
    expect(inspect(tokens, { depth: 10, showHidden: true })).not.toContain('canary');
  });

  it('forgets all of them at once', () => {
    const tokens = new VerifiedTokens({ leewayMs: LEEWAY_MS });
    tokens.add('good', { shopper: 'ada', expiresAtMs: later() });
    tokens.forget();
    expect(tokens.find('good')).toBeUndefined();
  });
});
