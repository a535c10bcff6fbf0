import { type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import { type AllowEntry, allowsAddress, allowsHost, parseAddress } from './allow-list';

/** All addresses of a name, as the system knows them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** An address that may be called: a connection goes to one of `addresses` and nowhere else. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly LookupAddress[];
}

export type TargetCheck =
  | { readonly outcome: 'allowed'; readonly target: Target }
  /** `reason` follows the name of the field: "must ...". It tells nothing of the network. */
  | { readonly outcome: 'refused'; readonly reason: string };

export const MAX_URL_LENGTH = 2_048;
const HTTPS_PORT = 443;
/** The system's resolver can take far longer, and its threads are few. */
const RESOLVE_TIMEOUT_MS = 5_000;
/** All that is global unicast; nothing outside it is assigned to hosts. RFC 4291, 2.4 */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Which addresses this process may call for a URL that somebody else gave it: https on port 443, at public addresses
 * only, whatever the name or the notation. Asked at registration and again before each request, for names change.
 */
export class EgressPolicy {
  constructor(
    private readonly allowed: readonly AllowEntry[],
    private readonly resolve: Resolve = systemResolve,
    private readonly resolveTimeoutMs: number = RESOLVE_TIMEOUT_MS,
  ) {}

  async check(text: string): Promise<TargetCheck> {
    const url = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) return refused('must be an https address');
    if (url.username !== '' || url.password !== '') return refused('must not carry credentials');
    // The parser has brought numbers of every notation into four decimal parts.
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = url.port === '' ? (url.protocol === 'https:' ? HTTPS_PORT : 80) : Number(url.port);
    const addresses = await this.addressesOf(host);
    if (addresses.length === 0) return refused('must have a host that can be resolved');
    const hostAllowed = allowsHost(this.allowed, host, port);
    const exempt = addresses.map(({ address }) => hostAllowed || this.allowsAddress(address, port));
    if (addresses.some(({ address }, index) => exempt[index] !== true && !isPublic(address))) {
      return refused('must lead to public addresses only');
    }
    if (!exempt.every((each) => each)) {
      if (url.protocol !== 'https:') return refused('must be an https address');
      if (port !== HTTPS_PORT) return refused('must use port 443');
    }
    return { outcome: 'allowed', target: { url, addresses } };
  }

  private allowsAddress(text: string, port: number): boolean {
    const address = parseAddress(text);
    return address !== undefined && allowsAddress(this.allowed, address, port);
  }

  private async addressesOf(host: string): Promise<readonly LookupAddress[]> {
    const literal = parseAddress(host);
    if (literal !== undefined) return [{ address: host, family: host.includes(':') ? 6 : 4 }];
    const late = new AbortController();
    const timeout = pause(this.resolveTimeoutMs, [], { signal: late.signal, ref: false }).catch(() => []);
    try {
      return await Promise.race([this.resolve(host), timeout]);
    } catch {
      return [];
    } finally {
      late.abort();
    }
  }
}

/** Whether an address is one that hosts of the public internet have. */
export function isPublic(text: string): boolean {
  const address = parseAddress(text);
  if (address?.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST);
}

function systemResolve(hostname: string): Promise<readonly LookupAddress[]> {
  return lookup(hostname, { all: true, verbatim: true });
}

function refused(reason: string): TargetCheck {
  return { outcome: 'refused', reason };
}
