/** How units are spread over sources of one kind. */
export interface Spread {
  readonly units: number;
  readonly sources: number;
  /** Share of the units that the largest hundredth of the sources has, at least one of them; 0 of nothing. */
  readonly topPercentShare: number;
  /** The largest, the first one first. */
  readonly top: readonly SourceShare[];
}

export interface SourceShare {
  readonly source: string;
  readonly units: number;
  /** Of all units, 0 to 1. */
  readonly share: number;
}

const TOP = 10;
/** Below it a share says little: of ten units, everybody has a tenth. */
const LEAST_UNITS = 100;

export function spreadOf(units: ReadonlyMap<string, number>): Spread {
  const largest = [...units].sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
  const total = sumOf(largest);
  const topPercent = largest.slice(0, Math.ceil(largest.length / 100));
  return {
    units: total,
    sources: largest.length,
    topPercentShare: shareOf(sumOf(topPercent), total),
    top: largest
      .slice(0, TOP)
      .map(([source, bought]) => ({ source, units: bought, share: shareOf(bought, total) })),
  };
}

/** Share of the largest source; 0 while the units are too few to say anything. */
export function tellingShare({ units, top }: Spread): number {
  return units < LEAST_UNITS ? 0 : (top[0]?.share ?? 0);
}

/** Whether one source has more than it should. */
export function isAlarming(spread: Spread, alarmPercent: number): boolean {
  return tellingShare(spread) * 100 > alarmPercent;
}

function sumOf(sources: readonly (readonly [string, number])[]): number {
  return sources.reduce((sum, [, units]) => sum + units, 0);
}

/** To four places: a hundredth of a percent. */
function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000;
}
