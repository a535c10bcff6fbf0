import type { Credentials } from '../e2e/support/app-environment';
import { filled, type FuzzedRequest } from './arbitraries';
import type { Operation } from './document';
import { keyFor, typeOf } from './requests';

/** A status, what is wrong, and the wronged request made of one that is right. */
export type Wrong = readonly [
  status: number,
  what: string,
  wronged: (right: FuzzedRequest, operation: Operation, credentials: Credentials) => FuzzedRequest,
];

/** What says who asks. */
const CREDENTIALS = new Set(['authorization', 'x-shopper-id', 'x-ticket']);
const TOO_MUCH = `"${'x'.repeat(1_100_000)}"`;

/** What every operation of both APIs that documents the status answers. */
export const WRONGS: readonly Wrong[] = [
  [
    401,
    'nobody',
    ({ headers, ...right }) => ({
      ...right,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name))),
    }),
  ],
  [
    413,
    'too much',
    ({ path, headers }) => ({
      path,
      headers: { ...headers, ...typeOf(TOO_MUCH) },
      body: TOO_MUCH,
    }),
  ],
  [
    415,
    'text',
    ({ path, headers }) => ({
      path,
      headers: { ...headers, 'content-type': 'text/plain' },
      body: '{}',
    }),
  ],
];

/** Ids that could be of something, and are of nothing. */
const ABSENT = {
  '/admin/v1/sales': 'of-nobody',
  '/admin/v1/webhooks': `wh_${'0'.repeat(16)}`,
  '/admin/v1/keys': `key_${'0'.repeat(16)}`,
  '/admin/v1/parked': '999999999',
  '/admin/v1/access-rules': '999999999',
  '/shop/v1/orders': `of-nobody.of-nobody.${'0'.repeat(22)}`,
};

/** The same of the operators' and services' API alone. */
export const WRONGS_OF_OPERATORS: readonly Wrong[] = [
  [
    400,
    'nonsense',
    (right, { path, body }) => {
      if (path.includes('{')) return { ...right, path: at(path, '!') };
      return body === undefined ? { ...right, path: `${path}?limit=none` } : { ...right, body: '[]' };
    },
  ],
  [
    403,
    "the others' key",
    ({ headers, ...right }, operation, { operatorKey, serviceKey, tokenKey }) => ({
      ...right,
      headers: {
        ...headers,
        ...keyFor(operation, { operatorKey: serviceKey, serviceKey: operatorKey, tokenKey }),
      },
    }),
  ],
  [
    404,
    'of nobody',
    (right, { path }) => {
      const [, absent = 'of-nobody'] =
        Object.entries(ABSENT).find(([prefix]) => path.startsWith(prefix)) ?? [];
      return { ...right, path: at(path, absent) };
    },
  ],
];

function at(path: string, id: string): string {
  return filled(path, { id, productId: id, deliveryId: '1' });
}
