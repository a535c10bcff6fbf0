import type { AccessList, AccessRule } from '@flux/contracts';
import { RuleBook } from './rule-book';

const network = (list: AccessList, value: string): AccessRule => ({ list, kind: 'cidr', value });

describe('a rule book', () => {
  const book = new RuleBook([
    network('deny', '203.0.113.0/24'),
    network('allow', '203.0.113.7/32'),
    network('deny', '10.0.0.0/8'),
    network('allow', '2001:db8::/32'),
    network('deny', '2001:db8:bad::/48'),
    network('deny', '198.51.100.0/24'),
    network('allow', '198.51.100.0/24'),
    { list: 'deny', kind: 'shopper', value: 'mallory' },
    { list: 'allow', kind: 'shopper', value: 'ann' },
  ]);

  it.each([
    ['203.0.113.0', 'deny'],
    ['203.0.113.255', 'deny'],
    ['203.0.114.0', undefined],
    ['203.0.113.7', 'allow'],
    ['10.255.0.1', 'deny'],
    ['11.0.0.1', undefined],
    ['2001:db8::1', 'allow'],
    ['2001:db8:bad::1', 'deny'],
    ['2001:db9::1', undefined],
    ['::cb00:7101', undefined],
    ['::ffff:203.0.113.1', undefined],
    ['255.255.255.255', undefined],
    ['198.51.100.1', 'deny'],
    ['', undefined],
    ['unknown', undefined],
  ])('has %s on the list %s: the smallest network decides, and denial between equals', (ip, list) => {
    expect(book.ofAddress(ip)).toBe(list);
  });

  it('knows shoppers by their whole name', () => {
    expect(book.ofShopper('mallory')).toBe('deny');
    expect(book.ofShopper('ann')).toBe('allow');
    expect(book.ofShopper('Mallory')).toBeUndefined();
  });

  it('takes as many steps for ten thousand networks as for one of each length', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      network('deny', `100.${index >> 8}.${index & 255}.0/24`),
    );
    const large = new RuleBook([...many, network('allow', '100.0.0.0/9')]);
    const lookUps = (): number => {
      const spy = jest.spyOn(Map.prototype, 'get');
      large.ofAddress('100.127.0.1');
      const { length } = spy.mock.calls;
      spy.mockRestore();
      return length;
    };
    expect(large.ofAddress('100.39.15.200')).toBe('deny');
    expect(large.ofAddress('100.39.16.200')).toBe('allow');
    expect(lookUps()).toBe(2);
  });
});
