/** Jain, Chiu, Hawe, DEC-TR-301 (1984): 1 where all shares are equal, 1/n where one has everything. */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}

/** The largest share over the smallest. */
export function maxRatio(shares: readonly number[]): number {
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  return most === least ? 1 : most / least;
}

export interface ClassMember {
  readonly className: string;
  readonly isAdmitted: boolean;
}

/** Of each class which share was admitted. */
export function admittedShares(members: readonly ClassMember[]): ReadonlyMap<string, number> {
  const counts = new Map<string, { joined: number; admitted: number }>();
  for (const { className, isAdmitted } of members) {
    const count = counts.get(className) ?? { joined: 0, admitted: 0 };
    count.joined += 1;
    if (isAdmitted) count.admitted += 1;
    counts.set(className, count);
  }
  return new Map([...counts].map(([name, { joined, admitted }]) => [name, admitted / joined]));
}

export interface Concentration {
  /** Of all units that the largest holders have. */
  readonly topShare: number;
  /** Of one holder. */
  readonly most: number;
}

/** What the largest holders have. @param units of each principal, none included @param share 0.01: the top 1 %, one at least */
export function concentration(units: readonly number[], share: number): Concentration {
  const sorted = units.toSorted((a, b) => b - a);
  const total = sorted.reduce((sum, count) => sum + count, 0);
  const top = sorted.slice(0, Math.max(1, Math.ceil(sorted.length * share)));
  const topUnits = top.reduce((sum, count) => sum + count, 0);
  return { topShare: total === 0 ? 0 : topUnits / total, most: sorted[0] ?? 0 };
}

/** When somebody was in line. */
export interface Stay {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A unit that somebody got. */
export interface Take {
  readonly atMs: number;
  readonly isFromLine: boolean;
}

/** For each stay how much of it came after nothing was left to wait for. */
export function uselessWaits(stays: readonly Stay[], endedAtMs: number): readonly number[] {
  return stays.map(({ fromMs, toMs }) => Math.max(0, toMs - Math.max(fromMs, endedAtMs)));
}

/** How many units somebody from outside the line got while somebody was in it. */
export function stolenUnits(takes: readonly Take[], stays: readonly Stay[]): number {
  const outside = takes.filter(({ isFromLine }) => !isFromLine);
  return outside.filter(({ atMs }) => stays.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)).length;
}

const DECILES = 10;

/**
 * Chi-square of independence of two orders, by tenths of each: 100 cells, 81 degrees of freedom.
 * @param first ranks from 0 to n - 1, each once @param second likewise, parallel
 */
export function chiSquareOfDeciles(first: readonly number[], second: readonly number[]): number {
  const cells = new Array<number>(DECILES * DECILES).fill(0);
  const decileOf = (rank: number) => Math.floor((rank * DECILES) / first.length);
  first.forEach((rank, index) => {
    cells[decileOf(rank) * DECILES + decileOf(second[index]!)]! += 1;
  });
  const expected = first.length / cells.length;
  return cells.reduce((sum, found) => sum + (found - expected) ** 2 / expected, 0);
}

/** What chi-square of so many degrees of freedom exceeds as rarely as a normal variable exceeds z (Wilson and Hilferty). */
export function chiSquareLimit(degrees: number, z: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + z * Math.sqrt(spread)) ** 3;
}
