import type { Store } from './store';

const KEY = 'flux-identity';

/** Headers that tell the shop API who the shopper is. */
export type IdentityHeaders = Readonly<Record<string, string>>;

/**
 * Takes the shopper's identity from the fragment, where the shop has put it (`#token=<JWT>`, in demo mode `#shopper=<id>`):
 * it is kept for this tab, and `cleanUp` takes it out of the address bar, so that nobody copies it with the link.
 */
export function takeIdentity(fragment: string, store: Store, cleanUp: () => void): IdentityHeaders {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  for (const name of ['token', 'shopper'] as const) {
    const value = given.get(name);
    if (value === null || value === '') continue;
    store.set(KEY, `${name} ${value}`);
    cleanUp();
    break;
  }
  const [kind, value] = (store.get(KEY) ?? '').split(' ', 2);
  if (value === undefined) return {};
  return kind === 'token' ? { authorization: `Bearer ${value}` } : { 'x-shopper-id': value };
}
