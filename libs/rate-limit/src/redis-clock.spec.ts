import { RedisClock } from './redis-clock';

describe('the clock of Redis, as a process knows it', () => {
  let ticksMs = 0;
  let clock: RedisClock;

  beforeEach(() => {
    ticksMs = 0;
    clock = new RedisClock(() => ticksMs);
  });

  it("is this machine's until Redis has told", () => {
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(1_000);
  });

  it('goes by the quickest answer, and lies in the middle of it', () => {
    ticksMs = 10;
    clock.learn(5_000, 6);
    expect(clock.nowMs()).toBe(5_002);
    ticksMs = 100;
    clock.learn(5_000, 40);
    expect(clock.nowMs()).toBe(5_092);
    clock.learn(5_099, 98);
    expect(clock.nowMs()).toBe(5_100);
  });

  it('is learned anew after a minute, and at once where it was set', () => {
    clock.learn(5_000, 0);
    ticksMs = 61_000;
    clock.learn(65_995, 60_990);
    expect(clock.nowMs()).toBe(66_000);
    clock.learn(1_000, 60_900);
    expect(clock.nowMs()).toBe(1_050);
  });
});
