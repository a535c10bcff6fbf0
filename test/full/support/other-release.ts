import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
const SCRIPTS = 'libs/gate/src/scripts.generated.js';
const SCRIPT = /sha1: "([0-9a-f]{40})",(\s+)text: (".*")/g;

/** A build whose scripts have other texts, and so other names in Redis, than those of `dist`. */
export interface OtherRelease {
  /** As AppProcess takes it. */
  readonly dist: string;
  /** Of each release, the names of all its scripts. */
  readonly scripts: { readonly old: readonly string[]; readonly new: readonly string[] };
  readonly remove: () => Promise<void>;
}

/** Copies the build and changes every script by a comment. */
export async function makeOtherRelease(): Promise<OtherRelease> {
  // Inside the project, where the build finds its dependencies.
  const dist = join(ROOT, '.stack', `release-${process.pid}`);
  await cp(join(ROOT, 'dist'), dist, { recursive: true });
  const file = join(dist, SCRIPTS);
  const [before, after]: [string[], string[]] = [[], []];
  const changed = (await readFile(file, 'utf8')).replace(
    SCRIPT,
    (_all, sha1: string, space: string, text: string) => {
      const lua = `-- the next release\n${JSON.parse(text) as string}`;
      const name = createHash('sha1').update(lua).digest('hex');
      before.push(sha1);
      after.push(name);
      return `sha1: "${name}",${space}text: ${JSON.stringify(lua)}`;
    },
  );
  if (after.length === 0) throw new Error(`${SCRIPTS} has no scripts that could be changed`);
  await writeFile(file, changed);
  return {
    dist,
    scripts: { old: before, new: after },
    remove: () => rm(dist, { recursive: true, force: true }),
  };
}
