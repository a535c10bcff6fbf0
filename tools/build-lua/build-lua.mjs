#!/usr/bin/env node
/**
 * Makes `scripts.generated.ts` of a library's `src/scripts/*.lua`, since Nest ships no library assets.
 *
 *   node tools/build-lua/build-lua.mjs            writes
 *   node tools/build-lua/build-lua.mjs --check    fails where a written file differs
 *   ... --root FOLDER                             another repository's root (tests)
 *
 * `--- @include "name"` on a line of its own becomes `includes/name.lua`, once per script. Comments and blank lines
 * are left out of the shipped text.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const INCLUDE = /^--- @include "([a-z-]+)"$/;

/** @throws Error that names the file and what is wrong with it */
function build(folder) {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.lua'))
    .map((file) => basename(file, '.lua'))
    .sort();
  return names.map((name) => {
    const source = readFileSync(join(folder, `${name}.lua`), 'utf8');
    const problem = problemOf(source);
    if (problem !== undefined) throw new Error(`${name}.lua: ${problem}`);
    const text = stripped(inlined(source, { folder, path: [name], done: new Set() }));
    return {
      name,
      keys: keyNumbers(source).length,
      sha1: createHash('sha1').update(text).digest('hex'),
      text,
    };
  });
}

/** Replaces include lines by what they name, depth first, each file once. */
function inlined(source, { folder, path, done }) {
  return source
    .split('\n')
    .map((line) => {
      const [, name] = INCLUDE.exec(line) ?? [];
      if (name === undefined) return line;
      if (path.includes(name)) throw new Error(`include "${name}" includes itself`);
      if (done.has(name)) return '';
      const file = join(folder, 'includes', `${name}.lua`);
      if (!existsSync(file)) throw new Error(`include "${name}" of ${path[0]}.lua does not exist`);
      const text = readFileSync(file, 'utf8');
      if (/\b(KEYS|ARGV)\b/.test(text)) throw new Error(`includes/${name}.lua: takes KEYS or ARGV by itself`);
      const lines = inlined(text, { folder, path: [...path, name], done });
      done.add(name);
      return lines;
    })
    .join('\n');
}

/** The rules that a test of the script would not notice. */
function problemOf(source) {
  const header = /^--\[\[\n([\s\S]*?)\n\]\]\n/.exec(source);
  if (header === null) return 'does not begin with its contract, --[[ ... ]]';
  if (/\bpcall\b/.test(source)) return 'uses pcall, which hides out-of-memory';
  const body = source.slice(header[0].length);
  const declared = [...header[1].matchAll(/\bKEYS\[(\d+)\]/g)].map(([, number]) => Number(number));
  const used = keyNumbers(body);
  if (declared.sort((a, b) => a - b).join() !== used.join()) return 'header and body name different KEYS';
  if (used.some((number, index) => number !== index + 1)) return 'KEYS are not numbered from 1 without gaps';
  const locals =
    /^(local [a-z_, \n]+ = (?:(?:KEYS\[\d+\]|\{ unpack\(KEYS, \d+\) \})[, ]*)+\n)+/.exec(body)?.[0] ?? '';
  return /\bKEYS\b/.test(body.slice(locals.length)) ? 'uses KEYS below the line that names them' : undefined;
}

function keyNumbers(source) {
  const numbers = [...source.matchAll(/\bKEYS\[(\d+)\]/g)].map(([, number]) => Number(number));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function stripped(source) {
  return source
    .replace(/^--\[\[\n[\s\S]*?\n\]\]\n/, '')
    .split('\n')
    .filter((line) => !/^\s*(--.*)?$/.test(line))
    .join('\n');
}

function rendered(scripts) {
  const entries = scripts.map(
    ({ name, keys, sha1, text }) => `  ${JSON.stringify(name)}: {
    name: ${JSON.stringify(name)},
    keys: ${keys},
    sha1: ${JSON.stringify(sha1)},
    text: ${JSON.stringify(text)},
  },
`,
  );
  return `// Made by tools/build-lua from src/scripts/*.lua. Do not edit; run \`npm run lua\`.

/** A script as it is sent to Redis, with its includes in place. */
export interface LuaScript {
  readonly name: string;
  /** How many keys it takes. */
  readonly keys: number;
  readonly sha1: string;
  readonly text: string;
}

export const SCRIPTS = {
${entries.join('')}} as const satisfies Record<string, LuaScript>;
`;
}

/** The `src` folders of the libraries that have scripts. */
function librariesWithScripts(root) {
  return readdirSync(join(root, 'libs'))
    .map((library) => join(root, 'libs', library, 'src'))
    .filter((folder) => existsSync(join(folder, 'scripts')));
}

function main(args) {
  const rootAt = args.indexOf('--root');
  const root =
    rootAt === -1 ? join(dirname(fileURLToPath(import.meta.url)), '..', '..') : (args[rootAt + 1] ?? '.');
  const check = args.includes('--check');
  let differs = false;
  for (const folder of librariesWithScripts(root)) {
    const target = join(folder, 'scripts.generated.ts');
    const text = rendered(build(join(folder, 'scripts')));
    const written = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
    if (written === text) continue;
    if (check) {
      differs = true;
      process.stderr.write(`${relative(root, target)} is not what the scripts give: run \`npm run lua\`\n`);
    } else {
      writeFileSync(target, text);
    }
  }
  return differs ? 1 : 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`build-lua: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
