import { choiceSetting, LISTED_KEYS, secretSetting, textSetting } from '@flux/config';
import { z } from 'zod';

const MAX_WEBHOOK_SECRETS = 2;
const MIN_SECRET_LENGTH = 32;
const SECRET_KEY_PATTERN = /^(sk|rk)_\S+$/;

/** Variables of the payment provider. Secrets are never logged, and no problem with them repeats one. */
export const paymentSettings = z.object({
  FLUX_PAYMENTS: choiceSetting({
    choices: ['none', 'stripe', 'demo'],
    default: 'none',
    description:
      "Who takes the shoppers' money; none: the shop itself reports what was paid; demo, never in production: nobody",
  }),
  FLUX_STRIPE_SECRET_KEY: secretSetting(
    textSetting({
      default: '',
      unit: 'sk_... or rk_...',
      description:
        "Key of Stripe's API: it creates payment intents and refunds; needed with FLUX_PAYMENTS=stripe",
    }),
  ),
  FLUX_STRIPE_WEBHOOK_SECRETS: secretSetting(
    textSetting({
      default: '',
      unit: 'whsec_..., one or two, separated by commas',
      description:
        "Signing secret of Stripe's webhook endpoint, two while it is replaced; needed with FLUX_PAYMENTS=stripe",
    }),
    LISTED_KEYS,
  ),
  FLUX_STRIPE_ACCOUNT: textSetting({
    default: '',
    unit: 'acct_...',
    description:
      "The connected account that sells, where it is not the key's own; events of any other are refused",
  }),
  FLUX_STRIPE_API_URL: textSetting({
    default: 'https://api.stripe.com',
    unit: 'url',
    description: "Where Stripe's API is; elsewhere only for tests and proxies",
  }).refine(isOrigin, 'must be an origin such as https://api.stripe.com'),
});
export type PaymentConfig = z.output<typeof paymentSettings>;

/** Injection token of these settings. */
export const PAYMENT_CONFIG = Symbol('PAYMENT_CONFIG');

/** What a single variable cannot tell by itself. */
export function checkPaymentSettings(
  config: PaymentConfig & { readonly NODE_ENV: string },
  problem: (variable: keyof PaymentConfig, message: string) => void,
): void {
  if (config.FLUX_PAYMENTS === 'demo' && config.NODE_ENV === 'production') {
    problem('FLUX_PAYMENTS', 'demo is refused when NODE_ENV is production');
  }
  if (config.FLUX_PAYMENTS !== 'stripe') return;
  const key = config.FLUX_STRIPE_SECRET_KEY;
  if (key.length < MIN_SECRET_LENGTH || !SECRET_KEY_PATTERN.test(key)) {
    problem('FLUX_STRIPE_SECRET_KEY', "must be a key of Stripe's API, with FLUX_PAYMENTS=stripe");
  }
  const secrets = webhookSecretsOf(config);
  if (secrets.length > MAX_WEBHOOK_SECRETS || !secrets.every(isWebhookSecret)) {
    problem('FLUX_STRIPE_WEBHOOK_SECRETS', 'must be one or two whsec_..., with FLUX_PAYMENTS=stripe');
  }
  if (config.FLUX_STRIPE_ACCOUNT !== '' && !/^acct_\w+$/.test(config.FLUX_STRIPE_ACCOUNT)) {
    problem('FLUX_STRIPE_ACCOUNT', 'must be acct_...');
  }
}

/** The signing secrets, in their order. */
export function webhookSecretsOf({
  FLUX_STRIPE_WEBHOOK_SECRETS: list,
}: Pick<PaymentConfig, 'FLUX_STRIPE_WEBHOOK_SECRETS'>): readonly string[] {
  return list.split(',').map((secret) => secret.trim());
}

function isWebhookSecret(secret: string): boolean {
  return secret.length >= MIN_SECRET_LENGTH && /^whsec_\S+$/.test(secret);
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}
