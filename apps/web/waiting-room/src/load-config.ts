import type { PageConfig } from '@flux/waiting-room-page';
import { timedFetch } from './timed-fetch';

/** A slow file of looks must not hold up the line. */
const TIMEOUT_MS = 3_000;

/** The shop's `config.json` over the page's defaults; the defaults alone where it cannot be read. */
export async function loadConfig(url: string, defaults: PageConfig): Promise<PageConfig> {
  try {
    return await timedFetch(url, { timeoutMs: TIMEOUT_MS }, async (response) =>
      response.ok ? { ...defaults, ...((await response.json()) as Partial<PageConfig>) } : defaults,
    );
  } catch {
    return defaults;
  }
}
