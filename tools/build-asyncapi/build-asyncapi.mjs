// npm run asyncapi: writes docs/asyncapi.yaml from the schemas of libs/contracts. With --check it only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { format } from 'prettier';
import { stringify } from 'yaml';

const FILE = 'docs/asyncapi.yaml';

const require = createRequire(import.meta.url);
require('../ts-hook.cjs');
/** @type {{ asyncApiDocument(): Record<string, unknown> }} */
const { asyncApiDocument } = require('../../libs/contracts/src/async-api.ts');

const text = await format(
  `# Made by npm run asyncapi from libs/contracts; do not edit.\n${stringify(asyncApiDocument())}`,
  { parser: 'yaml', printWidth: 110, singleQuote: true },
);
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== text) {
    console.error(`${FILE} is not what libs/contracts says: run npm run asyncapi`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, text);
}
