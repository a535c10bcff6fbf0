import { EventEmitter } from 'node:events';
import { createLog } from './log';
import { shutDown, shutDownOnSignal } from './shutdown';

const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe', { write: () => undefined });

function plan(steps: Parameters<typeof shutDown>[0]['steps'], timeoutMs = 1_000) {
  const codes: number[] = [];
  return { codes, plan: { log, steps, timeoutMs, exit: (code: number) => void codes.push(code) } };
}

describe('shutdown', () => {
  it('stops in order, each after the one before, and exits with 0', async () => {
    const order: string[] = [];
    const { codes, plan: it } = plan([
      { name: 'listener', stop: () => Promise.resolve().then(() => order.push('listener')) },
      { name: 'redis', stop: () => order.push('redis') },
    ]);
    await shutDown(it);
    expect(order).toEqual(['listener', 'redis']);
    expect(codes).toEqual([0]);
  });

  it('goes on after a step that fails, and exits with 1', async () => {
    const order: string[] = [];
    const { codes, plan: it } = plan([
      { name: 'broken', stop: () => Promise.reject(new Error('no')) },
      { name: 'next', stop: () => order.push('next') },
    ]);
    await shutDown(it);
    expect(order).toEqual(['next']);
    expect(codes).toEqual([1]);
  });

  it('exits with 1 when a step hangs', async () => {
    jest.useFakeTimers();
    try {
      const { codes, plan: it } = plan([{ name: 'hangs', stop: () => new Promise(() => undefined) }], 500);
      void shutDown(it);
      await jest.advanceTimersByTimeAsync(499);
      expect(codes).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      expect(codes).toEqual([1]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('begins at the first signal and exits at once at the second', () => {
    const begun: string[] = [];
    const { codes, plan: it } = plan([
      {
        name: 'hangs',
        stop: () => {
          begun.push('hangs');
          return new Promise(() => undefined);
        },
      },
    ]);
    const signals = new EventEmitter();
    jest.useFakeTimers();
    try {
      shutDownOnSignal(it, signals);
      signals.emit('SIGTERM', 'SIGTERM');
      expect({ begun, codes }).toEqual({ begun: ['hangs'], codes: [] });
      signals.emit('SIGINT', 'SIGINT');
      expect({ begun, codes }).toEqual({ begun: ['hangs'], codes: [1] });
    } finally {
      jest.useRealTimers();
    }
  });
});
