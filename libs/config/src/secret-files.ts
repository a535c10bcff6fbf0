import { readFileSync, statSync } from 'node:fs';

/** No secret is longer; whoever names a log file or a disk gets an answer at once. */
const MAX_FILE_BYTES = 64 * 1_024;

type Variables = Readonly<Record<string, string | undefined>>;

export interface SecretsRead {
  readonly variables: Variables;
  readonly problems: readonly string[];
}

/**
 * Puts each secret that a file holds into its variable: `<NAME>_FILE` names the file, as the secrets of Docker and
 * Kubernetes are mounted. The line end that editors leave is no part of the secret.
 */
export function readSecretFiles(names: readonly string[], given: Variables): SecretsRead {
  const problems: string[] = [];
  const read = names.flatMap((name) => {
    const file = given[`${name}_FILE`];
    if (file === undefined) return [];
    if (given[name] !== undefined) {
      problems.push(`${name}: is set twice, by ${name}_FILE too`);
      return [];
    }
    const secret = secretIn(file);
    if (secret === undefined) {
      problems.push(`${name}_FILE: must name a readable file with the secret, of 64 KiB or less`);
      return [];
    }
    return [[name, secret] as const];
  });
  return { variables: { ...given, ...Object.fromEntries(read) }, problems };
}

function secretIn(file: string): string | undefined {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) return undefined;
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return secret === '' ? undefined : secret;
  } catch {
    return undefined;
  }
}
