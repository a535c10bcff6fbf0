import { judgeAnswer, type CaptchaJudgement } from './captcha-answer';
import { PROVIDER_FACTS, type CaptchaProvider } from './captcha-providers';

export interface SiteverifyOptions {
  readonly provider: CaptchaProvider;
  readonly secret: string;
  /** Undefined: the provider's own. */
  readonly verifyUrl: string | undefined;
  readonly hostnames: readonly string[];
  readonly timeoutMs: number;
  readonly now?: () => number;
}

export interface CaptchaClaim {
  /** The widget's answer, as the shopper sent it. */
  readonly answer: string;
  readonly remoteIp: string;
  /** What the widget must have been shown for. */
  readonly action: string;
}

/** Questions under way at once; more would only wait behind them. */
const MAX_QUESTIONS = 128;

/** Real answers have some hundred bytes. */
const MAX_BODY_BYTES = 16_384;

/** What a header can hold, without the comma that joins two and the `~` of a proof of work. */
const ANSWER = /^[!-+\--}]+$/;

/** For all that could be said of the answer: it is not asked for. */
const INVALID: CaptchaJudgement = { outcome: 'refused', reason: 'invalid' };
const BUSY: CaptchaJudgement = { outcome: 'unavailable', reason: 'busy' };

/**
 * Checks the answers of captchas by the protocol `siteverify`: a form with secret, response and remoteip, answered by
 * JSON. The provider takes an answer once. Never throws, and never tells the secret or the answer.
 */
export class Siteverify {
  private readonly url: string;
  private questions = 0;

  constructor(private readonly options: SiteverifyOptions) {
    this.url = options.verifyUrl ?? PROVIDER_FACTS[options.provider].verifyUrl;
  }

  async verify({ answer, remoteIp, action }: CaptchaClaim): Promise<CaptchaJudgement> {
    const { provider, hostnames, now = Date.now } = this.options;
    const { maxAnswerLength, tellsAction } = PROVIDER_FACTS[provider];
    if (answer.length > maxAnswerLength || !ANSWER.test(answer)) return INVALID;
    if (this.questions >= MAX_QUESTIONS) return BUSY;
    this.questions += 1;
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    try {
      const body = await this.ask({ answer, remoteIp }, timeout);
      return judgeAnswer(body, { hostnames, action: tellsAction ? action : undefined, nowMs: now() });
    } catch (error) {
      return { outcome: 'unavailable', reason: timeout.aborted ? 'timeout' : reasonOf(error) };
    } finally {
      this.questions -= 1;
    }
  }

  /** @throws Error where no JSON comes in time */
  private async ask(
    { answer, remoteIp }: Pick<CaptchaClaim, 'answer' | 'remoteIp'>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { secret } = this.options;
    const response = await fetch(this.url, {
      method: 'POST',
      body: new URLSearchParams({ secret, response: answer, remoteip: remoteIp }),
      // Elsewhere the secret has no business.
      redirect: 'error',
      signal,
    });
    // An error of the protocol may come with a 400, as Turnstile's do.
    if (response.status !== 200 && response.status !== 400) {
      await response.body?.cancel();
      throw new VerifierError(`status ${response.status}`);
    }
    return JSON.parse(await textOf(response)) as unknown;
  }
}

/** Why the verifier could not be heard, in words that are safe to log. */
class VerifierError extends Error {}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) throw new VerifierError('a long answer');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Never the error's own text, which may repeat what was sent or received. */
function reasonOf(error: unknown): string {
  if (error instanceof VerifierError) return error.message;
  return error instanceof SyntaxError ? 'no JSON' : 'not reached';
}
