import { formatReport, type RunReport } from './report';

/**
 * Prints a run's report and expects that every invariant held.
 * @param leastFaults kinds that must have struck: a run that met next to none proved next to nothing
 */
export function expectPromisesKept(report: RunReport, leastFaults: number): void {
  process.stderr.write(`${formatReport(report)}\n`);
  const violations = report.invariants.flatMap(({ name, violations }) =>
    violations.map((violation) => `${name}: ${violation}`),
  );
  expect(violations).toEqual([]);
  const struck = report.strikes.filter(({ evidence }) => evidence !== undefined).map(({ name }) => name);
  expect(new Set(struck).size).toBeGreaterThanOrEqual(leastFaults);
}
