import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PageConfig } from '@flux/waiting-room-page';
import { pageConfigSchema } from './page-config.schema';

/** The build puts the page beside this app; tests run this app from its sources, and the page from the build. */
const FOLDERS = ['../../../web/waiting-room', '../../../../dist/apps/web/waiting-room'].map((folder) =>
  join(__dirname, folder),
);

/** What `npm run page` makes. @throws Error where it was not run */
export function readBuiltPage(): { readonly html: string; readonly config: PageConfig } {
  const folder = FOLDERS.find((path) => existsSync(join(path, 'index.html')));
  if (folder === undefined) throw new Error('the waiting-room page is not built: npm run page');
  return {
    html: readFileSync(join(folder, 'index.html'), 'utf8'),
    config: readPageConfig(join(folder, 'config.json')),
  };
}

/** @throws Error that says what is wrong with the file */
export function readPageConfig(file: string): PageConfig {
  const read = pageConfigSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (read.success) return read.data;
  const problems = read.error.issues.map(
    ({ path, message }) => `  ${path.join('.') || 'the file'}: ${message}`,
  );
  throw new Error(`${file} is no configuration of the waiting-room page:\n${problems.join('\n')}`);
}
