import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Where webhooks may go although the rules for everybody say no. */
export type AllowEntry = { readonly port: number | undefined } & (
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'range'; readonly range: readonly [Address, number] }
);

const PORT = String.raw`(?::(\d{1,5}))?`;
const BRACKETED = new RegExp(String.raw`^\[([0-9a-fA-F:.]+(?:/\d{1,3})?)\]${PORT}$`);
const PLAIN = new RegExp(String.raw`^([A-Za-z0-9.-]+(?:/\d{1,2})?)${PORT}$`);

/**
 * `host[:port]` or `CIDR[:port]`, separated by commas; IPv6 with a port in brackets. Undefined where an entry is none
 * of these.
 */
export function parseAllowList(text: string): readonly AllowEntry[] | undefined {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(entryOf);
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

/** An address in its own family: `::ffff:10.0.0.1` is 10.0.0.1. IPv4 in four decimal parts only. */
export function parseAddress(text: string): Address | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
    ? ipaddr.process(text)
    : undefined;
}

export function allowsHost(entries: readonly AllowEntry[], host: string, port: number): boolean {
  const name = host.replace(/\.$/, '');
  return entries.some((entry) => entry.kind === 'host' && entry.host === name && fits(entry, port));
}

export function allowsAddress(entries: readonly AllowEntry[], address: Address, port: number): boolean {
  return entries.some(
    (entry) => entry.kind === 'range' && contains(entry.range, address) && fits(entry, port),
  );
}

function fits(entry: AllowEntry, port: number): boolean {
  return entry.port === undefined || entry.port === port;
}

function contains([network, bits]: readonly [Address, number], address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function entryOf(text: string): AllowEntry | undefined {
  const [, place = text, digits] = BRACKETED.exec(text) ?? PLAIN.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const range = rangeOf(place);
  if (range !== undefined) return { kind: 'range', range, port };
  return /^(?=.*[A-Za-z])[A-Za-z0-9.-]+$/.test(place)
    ? { kind: 'host', host: place.toLowerCase(), port }
    : undefined;
}

function rangeOf(place: string): readonly [Address, number] | undefined {
  if (ipaddr.isValidCIDR(place)) return ipaddr.parseCIDR(place);
  const address = parseAddress(place);
  return address === undefined ? undefined : [address, address.kind() === 'ipv4' ? 32 : 128];
}
