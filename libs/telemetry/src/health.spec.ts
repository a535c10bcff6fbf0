import { Health } from './health';

describe('Health', () => {
  it('is ready without checks, and when every check passes', async () => {
    const health = new Health();
    expect(await health.readiness()).toEqual({ ready: true, checks: {} });
    health.register('redis', () => Promise.resolve(true));
    expect(await health.readiness()).toEqual({ ready: true, checks: { redis: 'ok' } });
  });

  it('names what fails, whether it says so, throws or rejects, and tells no reason', async () => {
    const health = new Health();
    health.register('no', () => false);
    health.register('throws', () => {
      throw new Error('redis://user:password@10.0.0.1');
    });
    health.register('rejects', () => Promise.reject(new Error('secret')));
    health.register('fine', () => true);
    expect(await health.readiness()).toEqual({
      ready: false,
      checks: { no: 'failed', throws: 'failed', rejects: 'failed', fine: 'ok' },
    });
  });

  it('does not wait for a check that never answers', async () => {
    jest.useFakeTimers();
    try {
      const health = new Health();
      health.register('silent', () => new Promise(() => undefined));
      const readiness = health.readiness();
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await readiness).toEqual({ ready: false, checks: { silent: 'failed' } });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is not ready once it drains', async () => {
    const health = new Health();
    health.drain();
    expect((await health.readiness()).ready).toBe(false);
  });
});
