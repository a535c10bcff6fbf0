import { z } from 'zod';
import { trustedProxiesOf, type TrustedProxies } from './client-ip';

/** The variables of a process that proxies stand in front of. */
export const proxySettings = z.object({
  FLUX_TRUSTED_PROXIES: z
    .string()
    .prefault('')
    .transform((text, context): TrustedProxies => {
      const entries = text.split(',').map((entry) => entry.trim());
      const proxies = text === '' ? [] : trustedProxiesOf(entries);
      if (proxies !== undefined) return proxies;
      context.addIssue({ code: 'custom', message: 'must be addresses or CIDRs separated by commas' });
      return z.NEVER;
    })
    .meta({
      description:
        'Proxies whose X-Forwarded-For says who the client is; empty: none, so that the peer is the client',
      unit: 'addresses or CIDRs, separated by commas',
      example: '',
    }),
});
