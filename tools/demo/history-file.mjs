import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

import { DEV } from '../start/environment.mjs';

/**
 * The clients' own record of what they were answered, one JSON object a line; the checker reads it. The form is that
 * of libs/checker/src/client-history.ts.
 */
export class HistoryFile {
  #stream;
  #attempts = 0;

  /** @param {string} saleId */
  static ofSale(saleId) {
    const folder = join(DEV.folder, 'demo');
    mkdirSync(folder, { recursive: true });
    return new HistoryFile(join(folder, `${saleId}.ndjson`));
  }

  /** @param {string} file */
  constructor(file) {
    this.file = file;
    this.#stream = createWriteStream(file, { highWaterMark: 1 << 20 });
    // Told by `end`: until then a full disk must not end the burst.
    this.#stream.on('error', () => {});
  }

  /** @param {import('./crowd.mjs').Answer} answer */
  add({ attempt, atMs, status, replayed, location, body }) {
    this.#attempts += 1;
    const outcome = status === undefined ? { outcome: 'unknown' } : { status, replayed, location, body };
    this.#write({ at: new Date(atMs).toISOString(), method: 'POST', ...attempt, ...outcome });
  }

  /**
   * Says that nobody else bought in this sale, and that no line is missing.
   *
   * @param {string} saleId
   */
  async end(saleId) {
    this.#write({ complete: true, saleId, attempts: this.#attempts });
    if (this.#stream.errored) throw this.#stream.errored;
    this.#stream.end();
    await finished(this.#stream);
  }

  /** @param {unknown} line */
  #write(line) {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}
