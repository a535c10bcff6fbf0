import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** Proxies whose `X-Forwarded-For` counts, as networks. */
export type TrustedProxies = readonly Network[];

/** Networks from CIDRs; a single address counts as one. @returns undefined where an entry is neither */
export function trustedProxiesOf(entries: readonly string[]): TrustedProxies | undefined {
  const networks = entries.map(networkOf);
  return networks.every((network) => network !== undefined) ? networks : undefined;
}

/** Whether an address is one of a listed proxy. Whatever is no address is not. */
export function isTrusted(text: string | undefined, proxies: TrustedProxies): boolean {
  const ip = proxies.length === 0 || text === undefined ? undefined : plainIp(text);
  if (ip === undefined) return false;
  const address = ipaddr.parse(ip);
  return proxies.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
}

/** Looked up once a request. */
const clientIps = new WeakMap<FastifyRequest, string>();

/**
 * The client's address, an IPv4 one also where it came mapped into IPv6. Of `X-Forwarded-For` counts, from the right, what
 * listed proxies vouch for, up to an entry that is no address: whatever the client wrote itself stands further left.
 */
export function clientIpOf(request: FastifyRequest): string {
  const known = clientIps.get(request) ?? readClientIp(request);
  clientIps.set(request, known);
  return known;
}

function readClientIp(request: FastifyRequest): string {
  // Without proxies Fastify has no `ips`. The last is the client, or what the last proxy says it is.
  const { ips } = request;
  for (let hop = (ips?.length ?? 0) - 1; hop > 0; hop -= 1) {
    const ip = plainIp(ips?.[hop] ?? '');
    if (ip !== undefined) return ip;
  }
  return plainIp(request.socket.remoteAddress ?? '') ?? '';
}

/** The address in one spelling, a mapped IPv4 one as IPv4; undefined where the text is no address. */
export function plainIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  // The zone of a link-local address is no part of whose it is.
  return version === 6 ? ipaddr.process(text.replace(/%.*/, '')).toString() : undefined;
}

function networkOf(entry: string): Network | undefined {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (isIP(entry) === 0) return undefined;
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
