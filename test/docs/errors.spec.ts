import { readFileSync } from 'node:fs';
import { ERRORS } from '@flux/contracts';

const rowsOf = (markdown: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

describe('docs/errors.md', () => {
  const documented = new Map(
    rowsOf(readFileSync('docs/errors.md', 'utf8')).map(([, code, status, retry]) => [
      code?.replaceAll('`', ''),
      { status: Number(status), retryable: retry === 'yes' },
    ]),
  );

  it('lists the codes of the table, with their status and whether a retry makes sense, and no others', () => {
    const table = Object.entries(ERRORS).map(([code, { status, retryable }]) => [
      code,
      { status, retryable },
    ]);

    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(table));
  });
});
