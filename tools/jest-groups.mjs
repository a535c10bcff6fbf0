import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './stack/layout.mjs';

/** Jest finds them there (jest.config.cjs). */
const FOLDER = join(ROOT, 'test', 'grouped');

/** Each alone and first, the longest first: they take long, or look at the memory of their own process. */
const ALONE = [
  'test/model/epoch/epoch.spec.ts',
  'test/model/order-life.int.spec.ts',
  'test/hostile/slow-sockets.int.spec.ts',
  'libs/checker/test/seeded-faults.int.spec.ts',
  'libs/kafka/src/batch.strategy.int.spec.ts',
  'apps/admin/test/shop-export.int.spec.ts',
  'libs/ledger/test/holds.int.spec.ts',
  'libs/kafka/src/outages.int.spec.ts',
  'apps/relay/src/relay.int.spec.ts',
  'apps/relay/src/partition-lane.int.spec.ts',
  'apps/gateway/test/order-events-crowd.int.spec.ts',
];

/** What Jest loads stays loaded for so many files. */
const MOST_FILES = 12;
/** Jest's limit for a test is the last one that a file sets: in a group it has to do for all of them. */
const TIMEOUT_MS = 120_000;

/**
 * Puts a project's tests into groups that each run as one file. To load Nest and TypeORM anew takes Jest two
 * seconds of CPU a file, a third of all; in a group it is done once. The tests are the same: each file is a `describe`
 * with its own hooks.
 * @param {'unit' | 'int'} project
 * @returns {{ folder: string, remove: () => void }}
 */
export function groupTests(project) {
  rmSync(FOLDER, { recursive: true, force: true });
  const found = execFileSync(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '--selectProjects', project, '--listTests', '--json'],
    { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const files = /** @type {string[]} */ (JSON.parse(found)).map((path) => relative(ROOT, path)).sort();
  const groups = [
    ...ALONE.filter((file) => files.includes(file)).map((file) => [file]),
    ...groupsOf(files.filter((file) => !ALONE.includes(file))),
  ];
  mkdirSync(FOLDER, { recursive: true });
  for (const [index, group] of groups.entries()) {
    // Jest's order is that of the names (jest-sequencer.cjs).
    const name = `${String(index).padStart(2, '0')}-${areaOf(group[0]).replaceAll('/', '-')}.${project}.spec.js`;
    writeFileSync(join(FOLDER, name), sourceOf(group));
  }
  return { folder: FOLDER, remove: () => rmSync(FOLDER, { recursive: true, force: true }) };
}

/** Files of one app or library load much the same. @param {string[]} files @returns {string[][]} the largest first */
function groupsOf(files) {
  const areas = byArea(files);
  return [...areas.values()]
    .flatMap((area) => {
      const count = Math.ceil(area.length / MOST_FILES);
      return Array.from({ length: count }, (_, group) => area.filter((__, index) => index % count === group));
    })
    .sort((a, b) => b.length - a.length);
}

/** @param {string[]} files */
function byArea(files) {
  const areas = new Map();
  for (const file of files) areas.set(areaOf(file), [...(areas.get(areaOf(file)) ?? []), file]);
  return areas;
}

/** `apps/admin`, `libs/gate`, `test/model`. @param {string} file */
function areaOf(file) {
  return file.split('/').slice(0, 2).join('/');
}

/** @param {string[]} files */
function sourceOf(files) {
  const parts = files.map((file) => {
    const path = relative(FOLDER, join(ROOT, file));
    return `describe(${JSON.stringify(file)}, () => {\n  require(${JSON.stringify(path)});\n});\n`;
  });
  return parts.join('') + (files.length > 1 ? `jest.setTimeout(${TIMEOUT_MS});\n` : '');
}
