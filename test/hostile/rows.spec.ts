import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
/** A line of the table in docs/security.md: `| S12 | ...`. */
const ROW = /^\| (S\d+) +\|/gm;
/** The string that names a test, a table of tests or a group, with the rows it stands for. */
const TITLED = /(?:\b(?:it|describe)\(|\]\)\(|\bit\.each\(\w+\)\(|\[)\s*['"`](?=[^\n]*\bS\d+\b)([^\n]*)/g;

/** The rows that some test is named after. */
function rowsWithTests(): ReadonlySet<string> {
  const files = ['apps', 'libs', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.spec.ts') && !file.startsWith('grouped'))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  );
  const titles = files.flatMap((text) => [...text.matchAll(TITLED)].map(([, title = '']) => title));
  return new Set(titles.flatMap((title) => title.match(/\bS\d+\b/g) ?? []));
}

describe('the table of hostile input in docs/security.md', () => {
  const documented = [...readFileSync(join(ROOT, 'docs/security.md'), 'utf8').matchAll(ROW)].map(
    ([, row = '']) => row,
  );

  it('has each row once', () => {
    expect(documented).toHaveLength(38);
    expect(new Set(documented).size).toBe(documented.length);
  });

  it('has a test for each row, and a row for each test', () => {
    expect([...rowsWithTests()].sort()).toEqual([...documented].sort());
  });
});
