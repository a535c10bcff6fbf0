import { AddressLimitStorage } from './address-limit.storage';

describe('AddressLimitStorage', () => {
  it('lets the limit through in a window, blocks the rest, and starts anew', async () => {
    let nowMs = 0;
    const storage = new AddressLimitStorage(() => nowMs);
    const hit = (address: string) => storage.increment(address, 2_000, 2);
    expect((await hit('a')).isBlocked).toBe(false);
    expect((await hit('a')).isBlocked).toBe(false);
    expect(await hit('a')).toEqual({ totalHits: 3, timeToExpire: 2, isBlocked: true, timeToBlockExpire: 2 });
    expect((await hit('b')).isBlocked).toBe(false);
    nowMs = 1_500;
    expect((await hit('a')).timeToBlockExpire).toBe(1);
    nowMs = 2_000;
    expect((await hit('a')).isBlocked).toBe(false);
  });

  it('forgets windows that have ended, and never remembers more addresses than it may', async () => {
    let nowMs = 0;
    const storage = new AddressLimitStorage(() => nowMs, 3);
    for (const address of ['a', 'b']) await storage.increment(address, 1_000, 1);
    nowMs = 1_000;
    await storage.increment('c', 1_000, 1);
    expect(storage.size).toBe(1);
    for (const address of ['d', 'e', 'f', 'g']) await storage.increment(address, 1_000, 1);
    expect(storage.size).toBe(3);
    expect((await storage.increment('g', 1_000, 1)).isBlocked).toBe(true);
    expect((await storage.increment('c', 1_000, 1)).isBlocked).toBe(false);
  });
});
