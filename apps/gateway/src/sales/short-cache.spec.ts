import { ShortCache } from './short-cache';

function world(maxEntries = 10) {
  const state = { nowMs: 0, reads: 0 };
  const cache = new ShortCache<number>({ ttlMs: 1_000, maxEntries, now: () => state.nowMs });
  const get = (key: string) => cache.get(key, () => Promise.resolve((state.reads += 1)));
  return { state, cache, get };
}

describe('ShortCache', () => {
  it('reads once per second and key, however many ask', async () => {
    const { state, get } = world();
    expect(await Promise.all([get('a'), get('a'), get('b')])).toEqual([1, 1, 2]);
    state.nowMs = 999;
    expect(await get('a')).toBe(1);
    state.nowMs = 1_000;
    expect(await get('a')).toBe(3);
  });

  it('does not remember a failure', async () => {
    const { cache, get } = world();
    await expect(cache.get('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await get('a')).toBe(1);
  });

  it('forgets the oldest read beyond its size', async () => {
    const { get } = world(2);
    for (const key of ['a', 'b', 'c']) await get(key);
    expect(await get('c')).toBe(3);
    expect(await get('a')).toBe(4);
  });
});
