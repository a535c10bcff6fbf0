import type { ChallengeAnswer } from '@flux/contracts';

export type CaptchaChallenge = Extract<ChallengeAnswer, { type: 'captcha' }>;

/** What both providers' scripts offer. */
interface Provider {
  render(
    element: HTMLElement,
    options: {
      readonly sitekey: string;
      readonly action: string;
      readonly callback: (answer: string) => void;
      readonly 'error-callback': () => void;
    },
  ): unknown;
}

/**
 * Shows the provider's widget in an element until the shopper has met it. Rejects where the script cannot be loaded or
 * says that it cannot go on.
 */
export async function showCaptcha(element: HTMLElement, challenge: CaptchaChallenge): Promise<string> {
  const { provider: name, siteKey, action, scriptUrl } = challenge;
  await loadScript(scriptUrl);
  const provider = (globalThis as unknown as Record<string, Provider | undefined>)[name];
  if (provider === undefined) throw new Error('the widget is not there');
  // What was shown before is another one's.
  const place = document.createElement('div');
  element.replaceChildren(place);
  try {
    return await new Promise((resolve, reject) => {
      provider.render(place, {
        sitekey: siteKey,
        action,
        callback: resolve,
        'error-callback': () => {
          reject(new Error('the widget failed'));
        },
      });
    });
  } finally {
    element.replaceChildren();
  }
}

const loaded = new Map<string, Promise<void>>();

/** Once for each address; again after a failure. */
function loadScript(url: string): Promise<void> {
  const loading =
    loaded.get(url) ??
    new Promise<void>((resolve, reject) => {
      const script = document.createElement('script');
      script.src = url;
      script.onload = () => {
        resolve();
      };
      script.onerror = () => {
        loaded.delete(url);
        script.remove();
        reject(new Error('the script of the widget cannot be loaded'));
      };
      document.head.append(script);
    });
  loaded.set(url, loading);
  return loading;
}
