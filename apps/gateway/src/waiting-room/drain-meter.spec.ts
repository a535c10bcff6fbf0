import { DrainMeter } from './drain-meter';

/** A line that was called at a steady rate for so many seconds. */
function drained(perSecond: number, seconds: number): DrainMeter {
  const meter = new DrainMeter();
  for (let second = 0; second <= seconds; second += 1) meter.add(second * 1_000, second * perSecond);
  return meter;
}

describe('the wait behind a line', () => {
  it('is told from the admission rate, without an end, until something was measured', () => {
    expect(new DrainMeter().wait(1_000, 100)).toEqual({ fromMs: 8_500, toMs: null });
    expect(drained(50, 1).wait(1_000, 100)).toEqual({ fromMs: 8_500, toMs: null });
  });

  it('is an interval around the measured one', () => {
    const { fromMs, toMs } = drained(50, 30).wait(1_000, 100);
    expect(fromMs).toBe(17_000);
    expect(toMs).toBe(23_023);
  });

  it('widens where the line has become slower or faster', () => {
    const meter = drained(100, 50);
    for (let second = 51; second <= 60; second += 1) meter.add(second * 1_000, 5_000 + (second - 50) * 10);
    const { fromMs, toMs } = meter.wait(1_000, 1_000);
    expect(fromMs).toBeLessThan(1_000_000 / 85);
    expect(toMs).toBeGreaterThan(1_000_000 / 11);
  });

  it('has no end while nobody is called', () => {
    expect(drained(0, 30).wait(1, 100).toMs).toBeNull();
  });

  it('is never shorter than the admission rate allows', () => {
    expect(drained(1_000, 30).wait(1_000, 100).fromMs).toBe(8_500);
  });

  it('forgets another room', () => {
    const meter = drained(50, 30);
    meter.add(31_000, 0);
    expect(meter.wait(1_000, 100).toMs).toBeNull();
  });

  it('remembers no more than a minute', () => {
    const meter = drained(1, 300);
    for (let second = 301; second <= 361; second += 1) meter.add(second * 1_000, 300 + (second - 300) * 100);
    expect(meter.wait(100, 100)).toEqual({ fromMs: 850, toMs: Math.ceil(1_010 * 1.15) });
  });
});
