import type { PageConfig } from '@flux/waiting-room-page';

/** A slow file of looks must not hold up the line. */
const TIMEOUT_MS = 3_000;

/** The shop's `config.json` over the page's defaults; the defaults alone where it cannot be read. */
export async function loadConfig(url: string, defaults: PageConfig): Promise<PageConfig> {
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort();
  }, TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: timeout.signal });
    if (!response.ok) return defaults;
    return { ...defaults, ...((await response.json()) as Partial<PageConfig>) };
  } catch {
    return defaults;
  } finally {
    clearTimeout(timer);
  }
}
