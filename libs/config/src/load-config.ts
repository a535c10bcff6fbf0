import { z } from 'zod';
import { ConfigError } from './config-error';

/**
 * Parses the environment once, in `main.ts`. An empty variable counts as not set, so that `.env` files and compose
 * can leave a line blank.
 * @throws ConfigError with every problem found, not only the first
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`));
}
