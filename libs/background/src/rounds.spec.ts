import { Rounds } from './rounds';

function rounds(work: (signal: AbortSignal) => Promise<void>, pauseMs = 0) {
  const failures: unknown[] = [];
  return { failures, rounds: new Rounds({ pauseMs, work, onFailure: (error) => failures.push(error) }) };
}

describe('rounds', () => {
  it('come again and again, one at a time, also when started twice', async () => {
    let count = 0;
    let running = 0;
    let most = 0;
    await new Promise<void>((resolve) => {
      const { rounds: again } = rounds(async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running -= 1;
        count += 1;
        if (count === 3) void again.stop().then(resolve);
      });
      again.start();
      again.start();
    });
    expect([count, most]).toEqual([3, 1]);
  });

  it('go on after one that failed', async () => {
    const failure = new Error('once');
    let failed: readonly unknown[] = [];
    await new Promise<void>((resolve) => {
      const { failures, rounds: again } = rounds(async () => {
        await Promise.resolve();
        if (failures.length === 0) throw failure;
        failed = failures;
        void again.stop().then(resolve);
      });
      again.start();
    });
    expect(failed).toEqual([failure]);
  });

  it('stop once the round under way has ended, and cut the pause short', async () => {
    const steps: string[] = [];
    const { rounds: again } = rounds(async (signal) => {
      steps.push('begun');
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => setImmediate(resolve));
      });
      steps.push('ended');
    }, 3_600_000);
    again.start();
    await again.stop();
    steps.push('stopped');
    expect(steps).toEqual(['begun', 'ended', 'stopped']);

    let done = 0;
    const paused = rounds(async () => {
      done += 1;
      await Promise.resolve();
    }, 3_600_000).rounds;
    paused.start();
    await new Promise((resolve) => setImmediate(resolve));
    await paused.stop();
    expect(done).toBe(1);
  });
});
