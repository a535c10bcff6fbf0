import { type Browser, chromium, type Page } from 'playwright-core';
import axe from 'axe-core';

/** Where the set-up of the tests has found, or installed, Chromium. */
const CHROMIUM = process.env['FLUX_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Headless. Chromium refuses its sandbox to root. */
export function launchBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: CHROMIUM, args: isRoot ? ['--no-sandbox'] : [] });
}

/** What axe-core finds wrong with what is shown now: rule and elements, one line each. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, which the page's content security policy does not bind.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe;
    const { violations } = await run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary ?? ''}`),
    );
  });
}
