import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  choiceSetting,
  integerSetting,
  LISTED_KEYS,
  MIN_KEY_BYTES,
  secretSetting,
  textSetting,
} from '@flux/config';
import { z } from 'zod';

/** One that the shop signs with, and one that is on its way in or out. */
const MAX_SECRETS = 2;

/** An algorithm of one kind is never asked of a key of the other: that a public key is no secret is all a forger needs. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const PUBLIC_ALGORITHMS = [
  'EdDSA',
  ...['ES', 'PS', 'RS'].flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`)),
];

/** Variables that say who a shopper is. */
export const identitySettings = z.object({
  FLUX_AUTH: choiceSetting({
    choices: ['jwt', 'demo'],
    default: 'jwt',
    description:
      'Who the shopper is: the sub of a verified JWT, or, never in production, the header x-shopper-id',
  }),
  FLUX_JWT_SECRET: secretSetting(
    z
      .string()
      .prefault('')
      .transform((text, context): readonly KeyObject[] => {
        const secrets = text === '' ? [] : LISTED_KEYS.secretsIn(text).map((secret) => Buffer.from(secret));
        if (secrets.length <= MAX_SECRETS && secrets.every(({ length }) => length >= MIN_KEY_BYTES)) {
          return secrets.map((secret) => createSecretKey(secret));
        }
        context.addIssue({
          code: 'custom',
          message: `must be ${MIN_KEY_BYTES} bytes or longer; one, or two separated by a comma`,
        });
        return z.NEVER;
      })
      .meta({
        description:
          'Key of the HS256 tokens that the shop gives its shoppers, two while it is replaced; this or FLUX_JWKS_URL is needed with FLUX_AUTH=jwt',
        unit: 'text of 32 bytes or more, one or two separated by a comma',
        example: '',
      }),
    LISTED_KEYS,
  ),
  FLUX_JWKS_URL: textSetting({
    default: '',
    unit: 'url',
    description:
      'Where the shop publishes the public keys of its tokens, in the place of a secret; https in production',
  }).refine((text) => text === '' || /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be a URL'),
  FLUX_JWKS_COOLDOWN_MS: integerSetting({
    default: 10_000,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    description:
      'Least pause between two looks at FLUX_JWKS_URL, however many tokens name keys that are not known',
  }),
  FLUX_JWT_ALGORITHMS: textSetting({
    default: '',
    unit: 'names of RFC 7518, separated by commas',
    description:
      'Signatures that a token may have; empty: HS256 with a secret, ES256 and RS256 with FLUX_JWKS_URL',
  }),
  FLUX_JWT_ISSUER: textSetting({
    default: '',
    unit: 'text',
    description: 'The iss that a token must have; empty: any',
  }),
  FLUX_JWT_AUDIENCE: textSetting({
    default: '',
    unit: 'text',
    description: 'The aud that a token must have; empty: any',
  }),
});
export type IdentityConfig = z.output<typeof identitySettings>;

/** The signatures that are taken: all of one kind, that of the keys. */
export function algorithmsOf({
  FLUX_JWT_ALGORITHMS: list,
  FLUX_JWKS_URL: url,
}: Pick<IdentityConfig, 'FLUX_JWT_ALGORITHMS' | 'FLUX_JWKS_URL'>): string[] {
  if (list === '') return url === '' ? ['HS256'] : ['ES256', 'RS256'];
  return list.split(',').map((name) => name.trim());
}

/** What a single variable cannot tell by itself. */
export function checkIdentitySettings(
  config: IdentityConfig & { readonly NODE_ENV: string },
  problem: (variable: keyof IdentityConfig, message: string) => void,
): void {
  const isProduction = config.NODE_ENV === 'production';
  if (config.FLUX_AUTH === 'demo') {
    if (isProduction) problem('FLUX_AUTH', 'demo is refused when NODE_ENV is production');
    return;
  }
  const { FLUX_JWKS_URL: url, FLUX_JWT_SECRET: secrets } = config;
  if (url === '' && secrets.length === 0) {
    problem('FLUX_JWT_SECRET', 'is needed with FLUX_AUTH=jwt, or FLUX_JWKS_URL');
  }
  if (url !== '' && secrets.length > 0) {
    problem('FLUX_JWKS_URL', 'takes the place of FLUX_JWT_SECRET: set one of the two');
  }
  if (isProduction && url.startsWith('http:')) {
    problem('FLUX_JWKS_URL', 'must be https when NODE_ENV is production');
  }
  const possible = url === '' ? SECRET_ALGORITHMS : PUBLIC_ALGORITHMS;
  if (!algorithmsOf(config).every((name) => possible.includes(name))) {
    const keys = url === '' ? 'a secret' : 'FLUX_JWKS_URL';
    problem('FLUX_JWT_ALGORITHMS', `must be among ${possible.join(', ')} with ${keys}`);
  }
}
