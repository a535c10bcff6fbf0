import { policyItem } from './policy';
import { policyOf, policySetting } from './policy-setting';

describe('a policy', () => {
  it.each([
    ['200', { limit: 200, windowMs: 1_000, burst: 200, isDryRun: false }],
    ['200/1s', { limit: 200, windowMs: 1_000, burst: 200, isDryRun: false }],
    ['5/m', { limit: 5, windowMs: 60_000, burst: 5, isDryRun: false }],
    ['5/10m burst=2', { limit: 5, windowMs: 600_000, burst: 2, isDryRun: false }],
    ['7/250ms burst=9 dry-run', { limit: 7, windowMs: 250, burst: 9, isDryRun: true }],
    ['1/24h dry-run', { limit: 1, windowMs: 86_400_000, burst: 1, isDryRun: true }],
  ])('is read from %j', (text, policy) => {
    expect(policyOf('shopper', text)).toEqual({ name: 'shopper', ...policy });
  });

  it.each([
    '',
    '0',
    '10x',
    '0/1s',
    '5/0s',
    '-5/1s',
    '5/1s burst=0',
    '5/25h',
    '1/24h burst=2',
    '5/1s dry',
    '5 / 1s',
  ])('is not read from %j', (text) => {
    expect(policyOf('shopper', text)).toBeUndefined();
  });

  it.each([
    ['200/1s', '"address";q=200;w=1'],
    ['7/250ms', '"address";q=28;w=1'],
    ['5/10m', '"address";q=5;w=600'],
  ])('%j is told as %j', (text, item) => {
    expect(policyItem(policyOf('address', text) as never)).toBe(item);
  });
});

describe('the setting of a policy', () => {
  const setting = policySetting({ name: 'shopper', default: '3/1s', description: 'x' });

  it('has a default, can be off, and says what is wrong', () => {
    expect(setting.parse(undefined)).toMatchObject({ limit: 3 });
    expect(setting.parse('off')).toBeUndefined();
    expect(setting.safeParse('many').error?.message).toContain('must be off or <limit>/<window>');
  });
});
