import type { AuditLine, AuditReport } from './audit-report';

const MARKS = { proved: 'holds', refuted: 'FAILS', unchecked: 'not checked' } as const;

/** The report as a person reads it: a line a statement, its numbers, and below it what is wrong. */
export function formatReport(report: AuditReport): string {
  const width = Math.max(...report.lines.map(({ name }) => name.length));
  const lines = report.lines.flatMap((line) => formatLine(line, width));
  return [
    `Audit of sale ${report.saleId}`,
    '',
    ...lines,
    '',
    `Verdict: ${VERDICTS[report.verdict]}`,
    `Fingerprint of the evidence: ${report.fingerprint}`,
  ].join('\n');
}

const VERDICTS = {
  proved: 'PROVED',
  refuted: 'REFUTED',
  'not-at-rest':
    'NOT AT REST: orders are still under way, so nothing is proved; the lines show what was seen',
} as const;

function formatLine(line: AuditLine, width: number): string[] {
  const indent = ' '.repeat(15);
  const mark = line.holds === 'unchecked' ? MARKS.unchecked : line.holds ? MARKS.proved : MARKS.refuted;
  const numbers = Object.entries(line.numbers).map(([name, value]) => `${name} ${value}`);
  const more = line.offendersTotal - line.offenders.length;
  return [
    `  ${mark.padEnd(11)}  ${line.name.padEnd(width)}  ${line.statement} (${line.checked} checked)`,
    ...(numbers.length === 0 ? [] : [`${indent}${numbers.join(', ')}`]),
    ...(line.reason === undefined ? [] : [`${indent}not checked: ${line.reason}`]),
    ...line.offenders.map((offender) => `${indent}- ${offender}`),
    ...(more > 0 ? [`${indent}- and ${more} more`] : []),
  ];
}
