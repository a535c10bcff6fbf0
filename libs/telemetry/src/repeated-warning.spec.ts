import type { Log } from './log';
import { RepeatedWarning } from './repeated-warning';

describe('a warning that repeats itself', () => {
  const failure = { server: 'kafka', reason: 'ECONNREFUSED' } as const;
  let nowMs: number;
  let lines: unknown[];
  let warning: RepeatedWarning;

  beforeEach(() => {
    nowMs = 1_000;
    lines = [];
    const log = { warn: (fields: unknown) => lines.push(fields) } as unknown as Log;
    warning = new RepeatedWarning(log, 'not relayed', () => nowMs);
  });

  it('is written at once, then once in five seconds with how many there were', () => {
    warning.warn(failure, { partition: 1 });
    for (let time = 0; time < 9; time += 1) {
      nowMs += 500;
      warning.warn(failure, { partition: 1 });
    }
    expect(lines).toEqual([{ ...failure, partition: 1, times: 1 }]);

    nowMs += 500;
    warning.warn(failure, { partition: 1 });
    expect(lines.slice(1)).toEqual([{ ...failure, partition: 1, times: 10 }]);
  });

  it('is written at once for each other failure', () => {
    warning.warn(failure, {});
    warning.warn({ ...failure, reason: 'timed out' }, {});
    warning.warn({ ...failure, server: 'redis' }, {});
    expect(lines).toHaveLength(3);
  });

  it('keeps no more than a hundred failures', () => {
    for (let count = 0; count < 1_000; count += 1)
      warning.warn({ ...failure, reason: `reason ${count}` }, {});
    expect(lines).toHaveLength(1_000);
    expect((warning as unknown as { known: Map<string, unknown> }).known.size).toBeLessThanOrEqual(100);
  });
});
