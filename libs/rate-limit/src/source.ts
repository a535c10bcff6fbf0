import ipaddr from 'ipaddr.js';

/** The networks of an IPv6 address that are counted apart: a household's, a site's, a provider's customer's (RFC 6177). */
export const IPV6_PREFIXES = [64, 56, 48] as const;
export type Ipv6Prefix = (typeof IPV6_PREFIXES)[number];

/**
 * Whose requests are counted together: an IPv4 address is a principal by itself, of an IPv6 address its networks are,
 * since whoever has one has 2^64 others. An IPv4 address mapped into IPv6 is the IPv4 address.
 * @param ip an address; of any other text the text itself is the principal
 */
export function sourceOf(
  ip: string,
): { readonly ipv4: string } | { readonly ipv6: Record<Ipv6Prefix, string> } {
  if (!ip.includes(':') || !ipaddr.isValid(ip)) return { ipv4: ip };
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return { ipv4: address.toString() };
  const bytes = Buffer.from(address.toByteArray());
  const network = (bits: Ipv6Prefix): string => bytes.toString('hex', 0, bits / 8);
  return { ipv6: { 64: network(64), 56: network(56), 48: network(48) } };
}
