import { KEPT_MS, StoredKeys } from './stored-keys';

const READ_AT_MS = 5_000;
const key = { name: 'ann', role: 'viewer' as const };
const keys = new StoredKeys(
  [
    { ...key, digest: 'for-good', expiresInMs: null },
    { ...key, digest: 'for-a-second', expiresInMs: 1_000 },
  ],
  READ_AT_MS,
);

it('finds a key by its digest until it expires, also while nothing is read again', () => {
  expect(keys.find('for-good', READ_AT_MS + KEPT_MS)).toMatchObject(key);
  expect(keys.find('for-a-second', READ_AT_MS + 999)).toMatchObject(key);
  expect(keys.find('for-a-second', READ_AT_MS + 1_000)).toBeUndefined();
  expect(keys.find('unknown', READ_AT_MS)).toBeUndefined();
});

it('is stale once a key might have been revoked for a minute', () => {
  expect(keys.isStale(READ_AT_MS + KEPT_MS)).toBe(false);
  expect(keys.isStale(READ_AT_MS + KEPT_MS + 1)).toBe(true);
});
