import { digestOfFields } from '@flux/contracts';
import ipaddr from 'ipaddr.js';

/** What a household or a small firm is given: whoever has one has 256 subnets and any number of addresses. */
const NETWORK_BITS = 56;
const DEVICE_HINT_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;

/** The network that an address counts for: an IPv6 /56; an IPv4 address is a network of its own. */
export function networkOf(ip: string): string {
  if (!ip.includes(':') || !ipaddr.isValid(ip)) return ip;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${ip}/${NETWORK_BITS}`).toString()}/${NETWORK_BITS}`;
}

/** The hint that the shop's page sends with a purchase; undefined where it sends none, or something else. */
export function deviceHintIn(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && DEVICE_HINT_PATTERN.test(header) ? header : undefined;
}

/** 96 bits that stand for a source while the salt is there; nobody can tell afterwards which one. */
export function hashedSource(salt: string, source: string): string {
  return digestOfFields([salt, source]).slice(0, 16);
}
