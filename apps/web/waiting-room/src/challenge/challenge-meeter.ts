import type { ChallengeAnswer } from '@flux/contracts';
import type { IdentityHeaders } from '../identity';
import { timedFetch } from '../timed-fetch';
import { showCaptcha } from './captcha-widget';
import { solveAside } from './solver';

/** What came of a challenge. */
export type Meeting =
  /** @see the header `x-challenge`; undefined: nothing is asked any more */
  | { readonly kind: 'met'; readonly answer: string | undefined }
  | { readonly kind: 'unreachable'; readonly retryAfterMs: number };

const TIMEOUT_MS = 10_000;

interface MeeterOptions {
  /** The API's origin; empty: the page's own. */
  readonly apiUrl: string;
  readonly saleId: string;
  readonly identity: IdentityHeaders;
  /** Where a widget is shown. */
  readonly place: HTMLElement;
}

/** Fetches what the sale asks of those who join, and meets it, with the shopper's help where it takes that. */
export class ChallengeMeeter {
  constructor(private readonly options: MeeterOptions) {}

  /**
   * Never rejects.
   * @param onKind hears what is being done
   */
  async meet(onKind: (kind: 'checking' | 'captcha') => void): Promise<Meeting> {
    const { apiUrl, saleId, identity } = this.options;
    const url = `${apiUrl}/v1/sales/${encodeURIComponent(saleId)}/challenge?action=join`;
    const init = { headers: identity, cache: 'no-store', timeoutMs: TIMEOUT_MS } as const;
    try {
      const challenge = await timedFetch(url, init, async (response) =>
        response.ok
          ? ((await response.json()) as ChallengeAnswer)
          : 1_000 * (Number(response.headers.get('retry-after')) || 0),
      );
      if (typeof challenge === 'number') return { kind: 'unreachable', retryAfterMs: challenge };
      return { kind: 'met', answer: await this.answerTo(challenge, onKind) };
    } catch {
      return { kind: 'unreachable', retryAfterMs: 0 };
    }
  }

  private async answerTo(
    challenge: ChallengeAnswer,
    onKind: (kind: 'checking' | 'captcha') => void,
  ): Promise<string | undefined> {
    switch (challenge.type) {
      case 'none':
        return undefined;
      case 'pow':
        onKind('checking');
        return `${challenge.challenge}~${(await solveAside(challenge)).join(',')}`;
      case 'captcha':
        onKind('captcha');
        return showCaptcha(this.options.place, challenge);
    }
  }
}
