import { hash } from 'node:crypto';
import { ConfigError, loadConfig } from '@flux/config';
import { adminSettings } from '../admin-settings';

const KEY = 'sk_test_0000q3Zr8Tn5Vw2Xy7Lk4Jh6Gf9Ds1Pa';
const SECRET = 'whsec_1111mB7cN4vX9zL2kJ5hG8fD3sA6pO0i';
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://flux:a-password-of-its-own@postgres:5432/flux',
  REDIS_URL: 'redis://flux-admin:a-password-of-its-own@redis:6379',
};
const STRIPE = { FLUX_PAYMENTS: 'stripe', FLUX_STRIPE_SECRET_KEY: KEY, FLUX_STRIPE_WEBHOOK_SECRETS: SECRET };

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadConfig(adminSettings, { FLUX_OPERATOR_KEYS: `anna:${hash('sha256', 'k', 'hex')}`, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('settings of payments', () => {
  it.each([
    ['nothing', {}],
    ['demo', { FLUX_PAYMENTS: 'demo' }],
    ['Stripe', STRIPE],
    ['a restricted key', { ...STRIPE, FLUX_STRIPE_SECRET_KEY: KEY.replace('sk', 'rk') }],
    ['Stripe in production', { ...STRIPE, ...PRODUCTION }],
    ['two secrets', { ...STRIPE, FLUX_STRIPE_WEBHOOK_SECRETS: `${SECRET}, ${SECRET}2` }],
    ['another address', { ...STRIPE, FLUX_STRIPE_API_URL: 'http://127.0.0.1:9' }],
  ])('take %s', (_name, env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  it.each([
    ['an unknown provider', { FLUX_PAYMENTS: 'cash' }, 'FLUX_PAYMENTS'],
    ['demo in production', { FLUX_PAYMENTS: 'demo', ...PRODUCTION }, 'FLUX_PAYMENTS'],
    ['no key', { ...STRIPE, FLUX_STRIPE_SECRET_KEY: '' }, 'FLUX_STRIPE_SECRET_KEY'],
    ['a publishable key', { ...STRIPE, FLUX_STRIPE_SECRET_KEY: `pk${KEY}` }, 'FLUX_STRIPE_SECRET_KEY'],
    ['a short key', { ...STRIPE, FLUX_STRIPE_SECRET_KEY: 'sk_test_1' }, 'FLUX_STRIPE_SECRET_KEY'],
    ['no secret', { ...STRIPE, FLUX_STRIPE_WEBHOOK_SECRETS: '' }, 'FLUX_STRIPE_WEBHOOK_SECRETS'],
    ['a short secret', { ...STRIPE, FLUX_STRIPE_WEBHOOK_SECRETS: 'whsec_1' }, 'FLUX_STRIPE_WEBHOOK_SECRETS'],
    [
      'three secrets',
      { ...STRIPE, FLUX_STRIPE_WEBHOOK_SECRETS: [SECRET, SECRET, SECRET].join() },
      'FLUX_STRIPE_WEBHOOK_SECRETS',
    ],
    [
      'a key without variety in production',
      { ...STRIPE, ...PRODUCTION, FLUX_STRIPE_SECRET_KEY: `sk_live_${'0'.repeat(32)}` },
      'FLUX_STRIPE_SECRET_KEY',
    ],
    [
      'the database of the examples in production',
      { ...PRODUCTION, DATABASE_URL: 'postgres://flux:flux@postgres:5432/flux' },
      'DATABASE_URL',
    ],
    ['no account', { ...STRIPE, FLUX_STRIPE_ACCOUNT: 'ours' }, 'FLUX_STRIPE_ACCOUNT'],
    ['no origin', { FLUX_STRIPE_API_URL: 'https://api.stripe.com/v1' }, 'FLUX_STRIPE_API_URL'],
    ['a hole in the allow list', { FLUX_WEBHOOK_ALLOW: 'a b' }, 'FLUX_WEBHOOK_ALLOW'],
  ])('refuse %s by the name of the variable, without its value', (_name, env, variable) => {
    const problems = problemsOf(env);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([variable]);
    expect(problems.join()).not.toMatch(/0000|1111|whsec_1|sk_test/);
  });
});
