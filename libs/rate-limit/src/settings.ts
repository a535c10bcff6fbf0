import { integerSetting } from '@flux/config';
import { z } from 'zod';
import type { Policy } from './policy';
import { policyOf, policySetting } from './policy-setting';

const ROUTE = /^(GET|POST|DELETE) (\/\S+)=(.+)$/;
const ROUTES_MESSAGE =
  'must be <method> <path>=<limit>/<window>, separated by commas, such as "GET /v1/sales=2000/1s"';

/** A policy for all requests of one route together. */
export interface RouteLimit {
  readonly method: string;
  /** As the route is declared: with `:saleId` in it. */
  readonly path: string;
  readonly policy: Policy;
}

/** The variables of the rate limits of a process that shoppers reach. */
export const rateLimitSettings = z.object({
  FLUX_ADDRESS_LIMIT: policySetting({
    name: 'address',
    default: '200/1s',
    description: 'Requests of one IPv4 address, or of one IPv6 /64',
  }),
  FLUX_NETWORK_56_LIMIT: policySetting({
    name: 'network-56',
    default: '1000/1s',
    description: 'Requests of one IPv6 /56: what a household may be given',
  }),
  FLUX_NETWORK_48_LIMIT: policySetting({
    name: 'network-48',
    default: '4000/1s',
    description: 'Requests of one IPv6 /48: what a site may be given',
  }),
  FLUX_SHOPPER_LIMIT: policySetting({
    name: 'shopper',
    default: '600/1m burst=300',
    description: 'Requests of one shopper: purchases, joins, cancellations, and reads of orders',
  }),
  FLUX_ROUTE_LIMITS: z
    .string()
    .prefault('')
    .transform((text, context): readonly RouteLimit[] => {
      const limits = routeLimitsOf(text);
      if (limits !== undefined) return limits;
      context.addIssue({ code: 'custom', message: ROUTES_MESSAGE });
      return z.NEVER;
    })
    .meta({
      description: 'Requests that all shoppers together may make of single routes, over all gateways',
      unit: '<method> <path>=<limit>/<window>, separated by commas',
      example: '',
    }),
  FLUX_PURCHASE_CEILING: policySetting({
    name: 'purchases',
    default: 'off',
    description:
      'Purchases, over all sales and gateways, that reach the gate without a pass; what is above puts the waiting room on',
  }),
  FLUX_LIMIT_KEYS: integerSetting({
    default: 500_000,
    min: 1_000,
    max: 100_000_000,
    unit: 'principals',
    description: 'Addresses, networks and shoppers that Redis counts at once; each takes about 130 bytes',
  }),
  FLUX_LIMIT_SHARE_ALONE: integerSetting({
    default: 50,
    min: 1,
    max: 100,
    unit: 'percent',
    description: 'Of each limit, what one gateway gives away by itself while Redis cannot be reached',
  }),
});
export type RateLimitConfig = z.output<typeof rateLimitSettings>;

function routeLimitsOf(text: string): readonly RouteLimit[] | undefined {
  if (text.trim() === '') return [];
  const limits = text.split(',').map((entry) => {
    const [, method, path, policyText] = ROUTE.exec(entry.trim()) ?? [];
    const policy = policyOf('route', policyText ?? '');
    return method === undefined || path === undefined || policy === undefined
      ? undefined
      : { method, path, policy };
  });
  return limits.every((limit) => limit !== undefined) ? limits : undefined;
}
