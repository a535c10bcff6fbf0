import { ConfigError, loadConfig } from '@flux/config';
import { gatewaySettings, originsOf } from './gateway.config';

const SECRET = 'a-secret-of-thirty-two-bytes-or-more';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(gatewaySettings, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration of the gateway', () => {
  it('takes a secret of 32 bytes, and in demo mode none', () => {
    expect(problemsOf({ FLUX_JWT_SECRET: SECRET })).toEqual([]);
    expect(problemsOf({ FLUX_JWT_SECRET: 'ä'.repeat(16) })).toEqual([]);
    expect(problemsOf({ FLUX_AUTH: 'demo' })).toEqual([]);
  });

  it.each([
    ['no secret', {}, 'FLUX_JWT_SECRET'],
    ['an empty secret', { FLUX_JWT_SECRET: '' }, 'FLUX_JWT_SECRET'],
    ['a short secret', { FLUX_JWT_SECRET: 'canary-short' }, 'FLUX_JWT_SECRET'],
    [
      'demo in production',
      { FLUX_AUTH: 'demo', NODE_ENV: 'production', FLUX_TOKEN_KEYS: `k1:${SECRET}` },
      'FLUX_AUTH',
    ],
    ['no token key in production', { FLUX_JWT_SECRET: SECRET, NODE_ENV: 'production' }, 'FLUX_TOKEN_KEYS'],
    ['a short token key', { FLUX_AUTH: 'demo', FLUX_TOKEN_KEYS: 'k1:canary' }, 'FLUX_TOKEN_KEYS'],
    ['no event streams', { FLUX_AUTH: 'demo', FLUX_EVENT_STREAMS: '0' }, 'FLUX_EVENT_STREAMS'],
    ['an unknown way', { FLUX_AUTH: 'none', FLUX_JWT_SECRET: SECRET }, 'FLUX_AUTH'],
    ['a port out of range', { FLUX_AUTH: 'demo', FLUX_GATEWAY_PORT: '70000' }, 'FLUX_GATEWAY_PORT'],
    ['a limit that is no number', { FLUX_AUTH: 'demo', FLUX_ADDRESS_LIMIT: '10x' }, 'FLUX_ADDRESS_LIMIT'],
    [
      'an origin with a path',
      { FLUX_AUTH: 'demo', FLUX_CORS_ORIGINS: 'https://a.example/x' },
      'FLUX_CORS_ORIGINS',
    ],
    ['every origin', { FLUX_AUTH: 'demo', FLUX_CORS_ORIGINS: '*' }, 'FLUX_CORS_ORIGINS'],
  ])('refuses %s by the name of the variable, and repeats no value', (_name, env, variable) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${variable}: `));
    expect(problems.join()).not.toContain('canary');
  });

  it('reads origins from a list', () => {
    expect(originsOf(' https://a.example, ,http://b.example:8080')).toEqual([
      'https://a.example',
      'http://b.example:8080',
    ]);
  });
});
