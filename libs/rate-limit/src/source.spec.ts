import { sourceOf } from './source';

describe('the source of a request', () => {
  it('is the address of IPv4, however it is written', () => {
    expect(sourceOf('1.2.3.4')).toEqual({ ipv4: '1.2.3.4' });
    expect(sourceOf('::ffff:1.2.3.4')).toEqual({ ipv4: '1.2.3.4' });
    expect(sourceOf('::ffff:102:304')).toEqual({ ipv4: '1.2.3.4' });
  });

  it('is the networks of an IPv6 address', () => {
    const ipv6 = { 64: '20010db8000a0bcd', 56: '20010db8000a0b', 48: '20010db8000a' };
    expect(sourceOf('2001:db8:a:bcd::1')).toEqual({ ipv6 });
    expect(sourceOf('2001:0DB8:000A:0BCD:ffff:ffff:ffff:ffff')).toEqual({ ipv6 });
    expect(sourceOf('2001:db8:a:bff::1')).toEqual({ ipv6: { ...ipv6, 64: '20010db8000a0bff' } });
    expect(sourceOf('2001:db8:a:cff::1')).toEqual({
      ipv6: { 64: '20010db8000a0cff', 56: '20010db8000a0c', 48: '20010db8000a' },
    });
  });

  it('is a text that is no address as it stands', () => {
    expect(sourceOf('')).toEqual({ ipv4: '' });
    expect(sourceOf('::x')).toEqual({ ipv4: '::x' });
  });
});
