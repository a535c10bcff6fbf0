import { LISTED_KEYS, secretSetting } from '@flux/config';
import { z } from 'zod';
import { parseTokenKeys, type TokenKey } from './token-keys';

/** The variable of the processes that sign or verify tokens. Parsed, it is the keys: none where it is not set. */
export const tokenSettings = z.object({
  FLUX_TOKEN_KEYS: secretSetting(
    z
      .string()
      .prefault('')
      .transform((text, context): readonly TokenKey[] => {
        const keys = parseTokenKeys(text);
        if (keys !== undefined) return keys;
        context.addIssue({
          code: 'custom',
          message:
            'must be one or two of <key id>:<secret>, separated by a comma; ids are different and match ' +
            '[A-Za-z0-9_-]{1,16}, secrets have 32 bytes or more and no comma',
        });
        return z.NEVER;
      })
      .meta({
        description:
          "Keys of Flux-Gate's own tokens, the same for every gateway: the first signs, both verify. Needed in " +
          'production; elsewhere, if empty, each gateway makes its own and takes no tickets but its own',
        unit: '<key id>:<secret of 32 bytes or more>, one or two separated by a comma',
        example: '',
      }),
    { ...LISTED_KEYS, secretsIn: (text) => LISTED_KEYS.secretsIn(text).map(secretOf) },
  ),
});

/** Of `<key id>:<secret>`. */
function secretOf(entry: string): string {
  return entry.slice(entry.indexOf(':') + 1);
}
