import { AddressLimitStorage } from './address-limit.storage';

describe('AddressLimitStorage', () => {
  it('lets the limit through in a window, blocks the rest, and starts anew', () => {
    let nowMs = 0;
    const storage = new AddressLimitStorage(() => nowMs);
    const hit = (address: string) => storage.increment(address, 2_000, 2);
    expect(hit('a').isBlocked).toBe(false);
    expect(hit('a').isBlocked).toBe(false);
    expect(hit('a')).toEqual({ totalHits: 3, isBlocked: true, secondsLeft: 2 });
    expect(hit('b').isBlocked).toBe(false);
    nowMs = 1_500;
    expect(hit('a').secondsLeft).toBe(1);
    nowMs = 2_000;
    expect(hit('a').isBlocked).toBe(false);
  });

  it('forgets windows that have ended, and never remembers more addresses than it may', () => {
    let nowMs = 0;
    const storage = new AddressLimitStorage(() => nowMs, 3);
    for (const address of ['a', 'b']) storage.increment(address, 1_000, 1);
    nowMs = 1_000;
    storage.increment('c', 1_000, 1);
    expect(storage.size).toBe(1);
    for (const address of ['d', 'e', 'f', 'g']) storage.increment(address, 1_000, 1);
    expect(storage.size).toBe(3);
    expect(storage.increment('g', 1_000, 1).isBlocked).toBe(true);
    expect(storage.increment('c', 1_000, 1).isBlocked).toBe(false);
  });
});
