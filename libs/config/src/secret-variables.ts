import type { z } from 'zod';
import { secretTraitsOf, weaknessOf, type SecretTraits } from './secret';

type Variables = Readonly<Record<string, string | undefined>>;

/** A setting that `secretSetting` marked. */
export interface SecretVariable {
  readonly name: string;
  readonly traits: SecretTraits;
  /** What counts where the variable is not set. */
  readonly fallback: string;
}

export function secretVariablesOf(schema: z.ZodObject): readonly SecretVariable[] {
  return Object.entries(schema.shape).flatMap(([name, shape]) => {
    const setting = shape as z.ZodType;
    const traits = secretTraitsOf(setting);
    const fallback = setting.meta()?.['example'];
    return traits === undefined
      ? []
      : [{ name, traits, fallback: typeof fallback === 'string' ? fallback : '' }];
  });
}

/** Why production may not run on what the variable holds, by its name; nothing where it may, or where it holds nothing. */
export function weaknessesOf(
  { name, traits, fallback }: SecretVariable,
  variables: Variables,
): readonly string[] {
  const { secretsIn, minBytes, waiver } = traits;
  const text = variables[name] ?? fallback;
  if (text === '' || (waiver !== undefined && variables[waiver] === '1')) return [];
  const found = secretsIn(text)
    .map((secret) => weaknessOf(secret, minBytes))
    .filter((weakness) => weakness !== undefined);
  const waived = waiver === undefined ? '' : ` (${waiver}=1 starts all the same)`;
  return [...new Set(found)].map(
    (weakness) => `${name}: the secret in it ${weakness}, which production does not take${waived}`,
  );
}
