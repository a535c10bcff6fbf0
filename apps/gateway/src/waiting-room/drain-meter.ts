interface Sample {
  readonly atMs: number;
  readonly called: number;
}

/** How far back a rate is measured. */
const LONG_MS = 60_000;
const SHORT_MS = 10_000;
/** Below this span a rate says nothing. */
const LEAST_MS = 2_000;
const SAMPLE_EVERY_MS = 1_000;
/** What no measurement foresees: as a share of the estimate, in both directions. */
const MARGIN = 0.15;

/** Milliseconds; `toMs` is null where no end can be told. */
export interface WaitInterval {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** How fast a line is called, measured over the last ten seconds and the last minute. Pure: times come in. */
export class DrainMeter {
  private readonly samples: Sample[] = [];

  /** @param called since the room began; a smaller number than before is another room, and all is measured anew */
  add(atMs: number, called: number): void {
    const last = this.samples.at(-1);
    if (last !== undefined && (called < last.called || atMs < last.atMs)) this.samples.length = 0;
    else if (last !== undefined && atMs - last.atMs < SAMPLE_EVERY_MS) return;
    this.samples.push({ atMs, called });
    while ((this.samples[0]?.atMs ?? atMs) < atMs - LONG_MS - SAMPLE_EVERY_MS) this.samples.shift();
  }

  /**
   * The wait behind so many people.
   * @param fastestPerSecond no more are ever called: the admission rate
   */
  wait(ahead: number, fastestPerSecond: number): WaitInterval {
    const measured = [SHORT_MS, LONG_MS]
      .map((spanMs) => this.perSecond(spanMs))
      .filter((rate) => rate !== undefined);
    const fastest = Math.min(fastestPerSecond, Math.max(...measured, 0) || fastestPerSecond);
    const slowest = measured.length === 0 ? 0 : Math.min(...measured);
    return {
      fromMs: Math.floor((ahead / fastest) * 1_000 * (1 - MARGIN)),
      toMs: slowest === 0 ? null : Math.ceil(((ahead + 1) / slowest) * 1_000 * (1 + MARGIN)),
    };
  }

  /** Undefined where less than two seconds were seen. */
  private perSecond(spanMs: number): number | undefined {
    const last = this.samples.at(-1);
    const first = last && this.samples.find(({ atMs }) => atMs >= last.atMs - spanMs);
    if (last === undefined || first === undefined || last.atMs - first.atMs < LEAST_MS) return undefined;
    return ((last.called - first.called) * 1_000) / (last.atMs - first.atMs);
  }
}
