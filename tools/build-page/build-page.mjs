#!/usr/bin/env node
/**
 * Makes the waiting-room page of apps/web/waiting-room: one HTML file with its style and its script in it, and the
 * `config.json` that belongs beside it. The content security policy allows exactly that style and that script.
 *
 *   node tools/build-page/build-page.mjs                                     into dist/apps/web/waiting-room
 *   node tools/build-page/build-page.mjs --config shop.json --out FOLDER    for a host of your own, with your defaults
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, transform } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const SOURCE = join(ROOT, 'apps', 'web', 'waiting-room');

// The line takes 15 kB; the challenge in front of it, with puzzles, their worker and the captcha, 3.5 kB.
const MAX_SCRIPT_BYTES = 18_500;

// Whoever sells to a crowd meets phones of some age.
const TARGET = ['chrome100', 'firefox100', 'safari15.4'];

/** @param {string} config text of config.json */
async function page(config) {
  const [script, style] = await Promise.all([bundledScript(), minifiedStyle()]);
  const bytes = Buffer.byteLength(script);
  if (bytes > MAX_SCRIPT_BYTES) throw new Error(`the script has ${bytes} bytes, over ${MAX_SCRIPT_BYTES}`);
  const { apiUrl, logoUrl } = JSON.parse(config);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    `img-src ${["'self'", 'data:', ...originOf(logoUrl)].join(' ')}`,
    'worker-src blob:',
    `connect-src ${["'self'", ...originOf(apiUrl)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
  // No value may be read as a pattern of replace().
  const html = readFileSync(join(SOURCE, 'page.html'), 'utf8')
    .replace(/\n\s+/g, '\n')
    .replace(/<[^<>]+>/g, (tag) => tag.replace(/\s+/g, ' '))
    .replace('%csp%', () => policy)
    .replace(/<style>[^<]*/, () => `<style>${style}`)
    .replace(/\s*\/\*defaults\*\/\s*/, () => JSON.stringify(JSON.parse(config)).replaceAll('<', '\\u003c'))
    .replace(/\s*\/\*script\*\/\s*/, () => script);
  return { html, bytes };
}

/** The page's script, with the solver's in it as a text: a worker that needs no file of its own. */
async function bundledScript() {
  const solver = await bundled('challenge/solver.worker.ts');
  const script = await bundled('main.ts', { SOLVER_SOURCE: JSON.stringify(solver) });
  if (/<\/script|<!--/i.test(script)) throw new Error('the script would end inside of its own element');
  return script;
}

/**
 * @param {string} file below src
 * @param {Record<string, string>} define
 */
async function bundled(file, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, 'src', file)],
    define,
    tsconfig: join(SOURCE, 'tsconfig.json'),
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: TARGET,
    charset: 'utf8',
    write: false,
    logLevel: 'silent',
  });
  const [{ text }] = outputFiles;
  return text.trim();
}

async function minifiedStyle() {
  const { code } = await transform(readFileSync(join(SOURCE, 'page.css'), 'utf8'), {
    loader: 'css',
    minify: true,
    target: TARGET,
    charset: 'utf8',
  });
  return code.trim();
}

/** @param {string} text exactly what stands between the tags */
function hashOf(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** @param {string | undefined} url */
function originOf(url) {
  return url && URL.canParse(url) ? [new URL(url).origin] : [];
}

const { values } = parseArgs({ options: { config: { type: 'string' }, out: { type: 'string' } } });
const out = values.out ?? join(ROOT, 'dist', 'apps', 'web', 'waiting-room');
const config = readFileSync(values.config ?? join(SOURCE, 'config.json'), 'utf8');
try {
  const { html, bytes } = await page(config);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'index.html'), html);
  writeFileSync(join(out, 'config.json'), config);
  console.log(`waiting-room page: ${Buffer.byteLength(html)} bytes, ${bytes} of them script`);
} catch (error) {
  process.stderr.write(`build-page: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
