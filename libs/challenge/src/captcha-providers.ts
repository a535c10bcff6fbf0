/** Who shows captchas and checks their answers: both speak `siteverify`. */
export const CAPTCHA_PROVIDERS = ['turnstile', 'hcaptcha'] as const;
export type CaptchaProvider = (typeof CAPTCHA_PROVIDERS)[number];

export interface ProviderFacts {
  readonly verifyUrl: string;
  /** Offers `render(element, { sitekey, callback })` under the global name `widget`. */
  readonly scriptUrl: string;
  /** Where else the widget loads from, as sources of a content security policy. */
  readonly sources: readonly string[];
  /** Whether the verifier tells the action that the widget was shown for. */
  readonly tellsAction: boolean;
  /** Longest answer of a widget, in characters. */
  readonly maxAnswerLength: number;
}

/**
 * From https://developers.cloudflare.com/turnstile/get-started/server-side-validation/ and https://docs.hcaptcha.com/
 * (November 2026). hCaptcha tells no length; its answers have 2 to 3 kB, and a gateway takes headers of 8 kB in all.
 */
export const PROVIDER_FACTS: Readonly<Record<CaptchaProvider, ProviderFacts>> = {
  turnstile: {
    verifyUrl: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
    scriptUrl: 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit',
    sources: [],
    tellsAction: true,
    maxAnswerLength: 2_048,
  },
  hcaptcha: {
    verifyUrl: 'https://api.hcaptcha.com/siteverify',
    scriptUrl: 'https://js.hcaptcha.com/1/api.js?render=explicit&recaptchacompat=off',
    sources: ['https://hcaptcha.com', 'https://*.hcaptcha.com'],
    tellsAction: false,
    maxAnswerLength: 4_096,
  },
};
