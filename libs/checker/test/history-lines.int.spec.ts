import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { historyLines } from '../src/history-lines';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-history-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('a file that is read later, and slowly, loses no line', async () => {
  const file = join(folder, 'history.ndjson');
  const written = Array.from({ length: 20_000 }, (_, index) =>
    JSON.stringify({ index, body: 'x'.repeat(200) }),
  );
  await writeFile(file, written.map((line) => `${line}\n`).join(''));
  const lines = historyLines(file);
  for (let turns = 0; turns < 1_000; turns++) await turn();
  const read: string[] = [];
  for await (const line of lines) {
    if (read.length % 100 === 0) await turn();
    read.push(line);
  }
  expect(read).toEqual(written);
});

test('a file that cannot be read fails the reader', async () => {
  const lines = historyLines(join(folder, 'no-such-file'));
  await expect(lines.next()).rejects.toThrow('ENOENT');
});
