import type { QueueAnswer } from '@flux/contracts';
import { memoryStore } from '../test/memory-store';
import { Carrying } from './carrying';

const turn: QueueAnswer = {
  saleId: 'drop',
  status: 'turn',
  pass: 'first',
  joinedAt: '2026-11-23T14:00:00.000Z',
  askAgainMs: 1_000,
};
const open: QueueAnswer = { saleId: 'drop', status: 'open', askAgainMs: 1_000 };

describe('Carrying', () => {
  it('opens the shop once for a turn, however often its pass is signed', () => {
    const store = memoryStore();
    expect(new Carrying(store, 'drop').begin(turn, 0)).toBe(true);
    expect(new Carrying(store, 'drop').begin({ ...turn, pass: 'second' }, 1_000_000)).toBe(false);
    expect(new Carrying(store, 'drop').begin({ ...turn, joinedAt: '2026-11-23T15:00:00.000Z' }, 1)).toBe(
      true,
    );
  });

  it('opens it once a minute where there is no line', () => {
    const store = memoryStore();
    const answers = [0, 10, 59_999, 60_000, 60_001].map((atMs) =>
      new Carrying(store, 'drop').begin(open, atMs),
    );
    expect(answers).toEqual([true, false, false, true, false]);
  });

  it('stays for whoever waits', () => {
    for (const status of ['lobby', 'waiting', 'soldOut'] as const) {
      expect(new Carrying(memoryStore(), 'drop').begin({ ...turn, status }, 0)).toBe(false);
    }
  });
});
