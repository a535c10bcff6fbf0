import { z } from 'zod';
import type { Policy } from './policy';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const FORM = /^(\d{1,9})(?:\/(\d{1,6})?(ms|s|m|h))?(?: burst=(\d{1,9}))?( dry-run)?$/;
const MESSAGE =
  'must be off or <limit>/<window>, such as 200/1s or 600/1m; then, if wanted, " burst=<requests>" and " dry-run"';

/** No principal's state is kept longer than this. */
const MAX_WINDOW_MS = 24 * 3_600_000;

/** `200/1s`, `600/1m burst=300`, `5/10m dry-run` or `off`; a number alone is one of requests a second. */
export function policySetting({
  name,
  default: fallback,
  description,
}: {
  readonly name: string;
  readonly default: string;
  readonly description: string;
}) {
  return z
    .string()
    .prefault(fallback)
    .transform((text, context): Policy | undefined => {
      if (text === 'off') return undefined;
      const policy = policyOf(name, text);
      if (policy !== undefined) return policy;
      context.addIssue({ code: 'custom', message: MESSAGE });
      return z.NEVER;
    })
    .meta({ description, unit: 'off, or <limit>/<window> [burst=<requests>] [dry-run]', example: fallback });
}

/** @returns undefined where the text is no policy */
export function policyOf(name: string, text: string): Policy | undefined {
  const [, limitText, count = '1', unit = 's', burstText, dryRun] = FORM.exec(text) ?? [];
  const limit = Number(limitText);
  const burst = Number(burstText ?? limitText);
  const windowMs = Number(count) * UNITS[unit as keyof typeof UNITS];
  const fillMs = (burst * windowMs) / limit;
  if (!(limit > 0 && burst > 0 && windowMs > 0 && windowMs <= MAX_WINDOW_MS && fillMs <= MAX_WINDOW_MS)) {
    return undefined;
  }
  return { name, limit, windowMs, burst, isDryRun: dryRun !== undefined };
}
