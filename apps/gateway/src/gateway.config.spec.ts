import { ConfigError, loadConfig } from '@flux/config';
import { gatewaySettings, originsOf } from './gateway.config';

const SECRET = 'a-secret-of-thirty-two-bytes-or-more';
const JWKS = 'https://shop.example/.well-known/jwks.json';
const JWKS_ALONE = { FLUX_JWT_SECRET: '', FLUX_JWKS_URL: JWKS };

const PRODUCTION = {
  NODE_ENV: 'production',
  FLUX_JWT_SECRET: SECRET,
  FLUX_TOKEN_KEYS: `k1:${SECRET}`,
  REDIS_URL: 'redis://flux-gateway:a-password-of-its-own@redis:6379',
};

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

  it('takes two secrets, or the address of public keys, and starts in production with strong ones', () => {
    expect(problemsOf({ FLUX_JWT_SECRET: `${SECRET}, ${SECRET}x` })).toEqual([]);
    expect(problemsOf({ FLUX_JWKS_URL: JWKS, FLUX_JWT_ALGORITHMS: 'ES256, EdDSA' })).toEqual([]);
    expect(problemsOf(PRODUCTION)).toEqual([]);
    expect(problemsOf({ ...PRODUCTION, ...JWKS_ALONE })).toEqual([]);
    expect(problemsOf({ ...PRODUCTION, REDIS_URL: '', FLUX_WAIVE_REDIS_PASSWORD: '1' })).toEqual([]);
  });

  it.each([
    ['no secret', {}, 'FLUX_JWT_SECRET'],
    ['an empty secret', { FLUX_JWT_SECRET: '' }, 'FLUX_JWT_SECRET'],
    ['a short secret', { FLUX_JWT_SECRET: 'canary-short' }, 'FLUX_JWT_SECRET'],
    ['demo in production', { ...PRODUCTION, FLUX_AUTH: 'demo' }, 'FLUX_AUTH'],
    ['no token key in production', { ...PRODUCTION, FLUX_TOKEN_KEYS: '' }, 'FLUX_TOKEN_KEYS'],
    [
      'an example as the secret',
      { ...PRODUCTION, FLUX_JWT_SECRET: `change-me-${SECRET}` },
      'FLUX_JWT_SECRET',
    ],
    [
      'a token key without variety',
      { ...PRODUCTION, FLUX_TOKEN_KEYS: `k1:${'x'.repeat(64)}` },
      'FLUX_TOKEN_KEYS',
    ],
    ['a Redis without a password', { ...PRODUCTION, REDIS_URL: 'redis://redis:6379' }, 'REDIS_URL'],
    [
      'a Redis with a short password',
      { ...PRODUCTION, REDIS_URL: 'redis://u:canary@redis:6379' },
      'REDIS_URL',
    ],
    ['three secrets', { FLUX_JWT_SECRET: `${SECRET},${SECRET}x,${SECRET}y` }, 'FLUX_JWT_SECRET'],
    ['a secret and an address of keys', { FLUX_JWT_SECRET: SECRET, FLUX_JWKS_URL: JWKS }, 'FLUX_JWKS_URL'],
    ['an address of keys that is none', { FLUX_JWKS_URL: 'file:///etc/passwd' }, 'FLUX_JWKS_URL'],
    [
      'plain http in production',
      { ...PRODUCTION, ...JWKS_ALONE, FLUX_JWKS_URL: 'http://shop.example/' },
      'FLUX_JWKS_URL',
    ],
    [
      'a public algorithm with a secret',
      { FLUX_JWT_SECRET: SECRET, FLUX_JWT_ALGORITHMS: 'HS256,RS256' },
      'FLUX_JWT_ALGORITHMS',
    ],
    [
      'a secret algorithm with public keys',
      { FLUX_JWKS_URL: JWKS, FLUX_JWT_ALGORITHMS: 'RS256,HS256' },
      'FLUX_JWT_ALGORITHMS',
    ],
    ['no algorithm', { FLUX_JWT_SECRET: SECRET, FLUX_JWT_ALGORITHMS: 'none' }, 'FLUX_JWT_ALGORITHMS'],
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
    [
      'a captcha without its secret',
      {
        FLUX_AUTH: 'demo',
        FLUX_CAPTCHA_PROVIDER: 'turnstile',
        FLUX_CAPTCHA_SITE_KEY: 'canary',
        FLUX_CAPTCHA_HOSTNAMES: 'shop.example',
      },
      'FLUX_CAPTCHA_SECRET',
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
