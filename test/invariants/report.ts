import type { Invariant } from './verdict/invariant';

/** One fault of the schedule, and what became of it. */
export interface StrikeReport {
  readonly id: string;
  readonly name: string;
  /** From the beginning of the load. */
  readonly atMs: number;
  /** Until it was healed. */
  readonly tookMs: number;
  /** What shows that it really struck; undefined where it did not. */
  readonly evidence: string | undefined;
  /** Why it did not. */
  readonly reason: string | undefined;
  /** Orders and wishes to cancel that were accepted and not settled when it struck; undefined where nobody could say. */
  readonly unsettled: number | undefined;
  /** Calls of clients that had no answer yet when it struck. */
  readonly openCalls: number;
}

export interface RunReport {
  readonly seed: number;
  readonly topology: string;
  readonly durability: string;
  readonly tookMs: number;
  /** What the clients did. */
  readonly load: Readonly<Record<string, number>>;
  /** How late the run's own process was at most: it carries every proxied byte, and what it delays nobody else did. */
  readonly ownDelayMs: number;
  readonly strikes: readonly StrikeReport[];
  readonly invariants: readonly Invariant[];
  readonly holds: boolean;
  /** What this run says nothing about. */
  readonly notCovered: readonly string[];
  /** Where everything that is needed to understand a violation lies; undefined where all holds. */
  readonly folder: string | undefined;
}

export function formatReport(report: RunReport): string {
  const {
    seed,
    topology,
    durability,
    tookMs,
    load,
    ownDelayMs,
    strikes,
    invariants,
    holds,
    notCovered,
    folder,
  } = report;
  const fired = strikes.filter(({ evidence }) => evidence !== undefined);
  const missed = strikes.filter(({ evidence }) => evidence === undefined);
  return [
    `Seed ${seed}, ${topology}, ${durability}: ${holds ? 'every invariant holds' : 'VIOLATED'} (${seconds(tookMs)} s)`,
    `  again: npm run chaos -- --seed ${seed} --topology ${topology} --durability ${durability}`,
    `  load: ${inWords(load)}; the run itself was late by ${ownDelayMs} ms at most`,
    `  ${fired.length} faults struck, ${new Set(fired.map(({ name }) => name)).size} different ones:`,
    ...fired.map(formatStrike),
    ...(missed.length === 0 ? [] : [`  did not strike:`]),
    ...missed.map(formatMissed),
    '  invariants:',
    ...invariants.flatMap(formatInvariant),
    '  not covered:',
    ...notCovered.map((what) => `    ${what}`),
    ...(folder === undefined ? [] : [`  logs and the clients' record: ${folder}`]),
  ].join('\n');
}

function formatStrike({ id, name, atMs, tookMs, evidence, unsettled, openCalls }: StrikeReport): string {
  const when = `at ${seconds(atMs).padStart(5)} s for ${seconds(tookMs).padStart(4)} s`;
  const flight = `${unsettled ?? '?'} orders unsettled, ${openCalls} calls open`;
  return `    ${id.padEnd(4)} ${when}  ${name}: ${evidence ?? ''} (${flight})`;
}

function formatMissed({ id, name, atMs, reason }: StrikeReport): string {
  return `    ${id.padEnd(4)} at ${seconds(atMs).padStart(5)} s  ${name}: ${reason ?? 'nothing showed it'}`;
}

function formatInvariant({
  name,
  statement,
  checked,
  violations,
  violationsTotal,
  numbers,
}: Invariant): string[] {
  const mark = violationsTotal === 0 ? 'holds' : 'FAILS';
  const more = violationsTotal - violations.length;
  return [
    `    ${mark}  ${name}: ${statement} (${checked} checked${withNumbers(numbers)})`,
    ...violations.map((violation) => `           - ${violation}`),
    ...(more > 0 ? [`           - and ${more} more`] : []),
  ];
}

function withNumbers(numbers: Readonly<Record<string, number>>): string {
  const words = inWords(numbers);
  return words === '' ? '' : `; ${words}`;
}

function inWords(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
