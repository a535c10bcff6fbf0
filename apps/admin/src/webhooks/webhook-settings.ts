import { z } from 'zod';
import { parseAllowList } from './allow-list';

/** Variables of the webhooks that go to the shop. */
export const webhookSettings = z.object({
  FLUX_WEBHOOK_ALLOW: z
    .string()
    .prefault('')
    .transform((text, context) => {
      const entries = parseAllowList(text);
      if (entries !== undefined) return entries;
      context.addIssue({
        code: 'custom',
        message: 'must be host[:port] or CIDR[:port], separated by commas',
      });
      return z.NEVER;
    })
    .meta({
      description:
        'Where webhooks may go although it is not https on port 443 of a public address; for networks of your own',
      unit: 'host[:port] or CIDR[:port], separated by commas',
      example: '',
    }),
});
export type WebhookConfig = z.output<typeof webhookSettings>;
