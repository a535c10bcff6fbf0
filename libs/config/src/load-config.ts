import { z } from 'zod';
import { ConfigError } from './config-error';
import { readSecretFiles } from './secret-files';
import { secretVariablesOf, weaknessesOf } from './secret-variables';

/**
 * Parses the environment once, in `main.ts`. An empty variable counts as not set, so that `.env` files and compose
 * can leave a line blank. A secret may stand in a file that `<NAME>_FILE` names, and in production a weak one is refused.
 * @throws ConfigError with every problem found, not only the first
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const secrets = secretVariablesOf(schema);
  const { variables, problems } = readSecretFiles(
    secrets.map(({ name }) => name),
    given,
  );
  const isProduction = variables['NODE_ENV'] === 'production';
  const weak = isProduction ? secrets.flatMap((secret) => weaknessesOf(secret, variables)) : [];
  const result = schema.safeParse(variables);
  if (result.success && problems.length + weak.length === 0) return result.data;
  const issues = result.error?.issues ?? [];
  const invalid = issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  throw new ConfigError([...problems, ...invalid, ...weak]);
}
