import { accessRuleSchema, canonicalNetwork } from './access-lists';

describe('a network', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.7/32', '203.0.113.7/32'],
    ['203.0.113.7/24', '203.0.113.0/24'],
    ['203.0.113.255/25', '203.0.113.128/25'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['::ffff:203.0.113.7', '203.0.113.7/32'],
    ['::ffff:203.0.113.7/120', '203.0.113.0/24'],
    ['2001:DB8:0:0:1::5', '2001:db8::1:0:0:5/128'],
    ['2001:db8:1:2ff::/56', '2001:db8:1:200::/56'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalNetwork(text)).toBe(canonical);
    expect(canonicalNetwork(canonical)).toBe(canonical);
  });

  it.each([
    '',
    '0.0.0.0/0',
    '::/0',
    '::ffff:0.0.0.0/96',
    '::ffff:1.2.3.4/90',
    '203.0.113.7/33',
    '2001:db8::/129',
    '203.0.113.7/',
    '203.0.113.7/-1',
    '203.0.113.7/24/24',
    '203.0.113',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    'fe80::1%eth0',
    'shop.example',
  ])('is never %j', (text) => {
    expect(canonicalNetwork(text)).toBeUndefined();
  });
});

it('a rule names a network or a shopper, as its kind says', () => {
  const rule = { list: 'deny', kind: 'cidr', value: '203.0.113.7/24' };
  expect(accessRuleSchema.parse(rule)).toEqual({ ...rule, value: '203.0.113.0/24' });
  expect(accessRuleSchema.safeParse({ ...rule, kind: 'shopper' }).success).toBe(false);
  expect(accessRuleSchema.safeParse({ ...rule, kind: 'shopper', value: 'ann@shop.example' }).success).toBe(
    true,
  );
  expect(accessRuleSchema.safeParse({ ...rule, list: 'watch' }).success).toBe(false);
});
