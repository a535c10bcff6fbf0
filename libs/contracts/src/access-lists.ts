import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { shopperIdSchema } from './ids';

/** `deny`: refused everywhere. `allow`: no rate limit, no challenge. */
export const ACCESS_LISTS = ['allow', 'deny'] as const;
export type AccessList = (typeof ACCESS_LISTS)[number];

/** Whom a rule names: a network, one address among them, or a shopper. */
export const ACCESS_RULE_KINDS = ['cidr', 'shopper'] as const;

/** One network as it is written in one way only: `203.0.113.0/24`, `2001:db8::/56`. */
export const networkSchema = z
  .string()
  .max(64)
  .transform((text, context) => {
    const network = canonicalNetwork(text);
    if (network !== undefined) return network;
    context.addIssue({
      code: 'custom',
      message: 'must be an address or a network such as 203.0.113.0/24, and not /0',
    });
    return z.NEVER;
  });

/** What a rule says. */
export const accessRuleSchema = z.discriminatedUnion('kind', [
  z.object({ list: z.enum(ACCESS_LISTS), kind: z.literal('cidr'), value: networkSchema }),
  z.object({ list: z.enum(ACCESS_LISTS), kind: z.literal('shopper'), value: shopperIdSchema }),
]);
export type AccessRule = PublishedAccessLists['rules'][number];

/** The rules in force, as the admin process publishes them: each value is checked already, and in its one spelling. */
export const accessListsSchema = z.object({
  /** Another one for other rules. */
  version: z.string().min(1),
  rules: z.array(
    z.object({ list: z.enum(ACCESS_LISTS), kind: z.enum(ACCESS_RULE_KINDS), value: z.string().min(1) }),
  ),
});
export type PublishedAccessLists = z.infer<typeof accessListsSchema>;

/**
 * A network with its host bits zeroed; a single address is a network of its own, and IPv4 mapped into IPv6 is IPv4.
 * Undefined for everything else, and for a network of all addresses: no rule may name everybody.
 */
export function canonicalNetwork(text: string): string | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  // Stricter than ipaddr.js, which also reads 0x7f.1 and 2130706433.
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  const plain = ipaddr.process(address);
  const mappedBits = plain.kind() === 'ipv4' && isIP(address) === 6 ? 96 : 0;
  const widest = plain.kind() === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? widest : Number(length) - mappedBits;
  if (bits < 1 || bits > widest) return undefined;
  return `${networkAddress(plain.toByteArray(), bits)}/${bits}`;
}

function networkAddress(bytes: readonly number[], bits: number): string {
  const kept = bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))));
  return ipaddr.fromByteArray(kept).toString();
}
