import { choiceSetting, integerSetting, secretSetting, textSetting } from '@flux/config';
import { z } from 'zod';
import { CAPTCHA_PROVIDERS } from './captcha-providers';

/** The variables of the processes that check captchas. */
export const captchaSettings = z.object({
  FLUX_CAPTCHA_PROVIDER: choiceSetting({
    choices: ['none', ...CAPTCHA_PROVIDERS],
    default: 'none',
    description: 'Who shows and checks captchas; none: sales that ask for one get proof of work',
  }),
  FLUX_CAPTCHA_SITE_KEY: textSetting({
    default: '',
    unit: 'text',
    description: "The provider's public key of the shop's site; needed with a provider",
  }),
  FLUX_CAPTCHA_SECRET: secretSetting(
    textSetting({
      default: '',
      unit: 'text',
      description: "The provider's secret key of the shop's site; needed with a provider",
    }),
  ),
  FLUX_CAPTCHA_HOSTNAMES: textSetting({
    default: '',
    unit: 'host names, separated by commas',
    description: 'Hosts on whose pages a captcha may have been met; needed with a provider',
  }),
  FLUX_CAPTCHA_TIMEOUT_MS: integerSetting({
    default: 3_000,
    min: 100,
    max: 30_000,
    unit: 'ms',
    description: "How long the provider's verifier may take",
  }),
  FLUX_CAPTCHA_VERIFY_URL: textSetting({
    default: '',
    unit: 'url',
    description: "Where the verifier is; empty: the provider's own; elsewhere only for tests and proxies",
  }),
  FLUX_CAPTCHA_SCRIPT_URL: textSetting({
    default: '',
    unit: 'url',
    description:
      "Where pages load the widget from; empty: the provider's own; elsewhere only for tests and proxies",
  }),
  FLUX_CAPTCHA_DOWN_JOIN: choiceSetting({
    choices: ['pow', 'refuse'],
    default: 'pow',
    description: 'What a waiting room asks for while the verifier cannot be asked; refuse: nobody joins',
  }),
  FLUX_CAPTCHA_DOWN_PURCHASE: choiceSetting({
    choices: ['pow', 'refuse'],
    default: 'refuse',
    description: 'The same of a purchase; refuse: nobody buys',
  }),
});
export type CaptchaConfig = z.output<typeof captchaSettings>;

interface SettingProblem {
  readonly variable: keyof CaptchaConfig;
  readonly message: string;
}

/** What no single variable shows. */
export function captchaProblems(config: CaptchaConfig): readonly SettingProblem[] {
  if (config.FLUX_CAPTCHA_PROVIDER === 'none') return [];
  const needed = (['FLUX_CAPTCHA_SITE_KEY', 'FLUX_CAPTCHA_SECRET', 'FLUX_CAPTCHA_HOSTNAMES'] as const)
    .filter((variable) => config[variable].trim() === '')
    .map((variable) => ({
      variable,
      message: `is needed with FLUX_CAPTCHA_PROVIDER=${config.FLUX_CAPTCHA_PROVIDER}`,
    }));
  const addresses = (['FLUX_CAPTCHA_VERIFY_URL', 'FLUX_CAPTCHA_SCRIPT_URL'] as const)
    .filter((variable) => config[variable] !== '' && !isWebAddress(config[variable]))
    .map((variable) => ({ variable, message: 'must be an http or https address' }));
  return [...needed, ...addresses];
}

/** Host names of a list, in lower case. */
export function hostnamesOf(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
