import { Inject, Injectable } from '@nestjs/common';
import {
  hostnamesOf,
  PROVIDER_FACTS,
  Siteverify,
  type CaptchaClaim,
  type CaptchaJudgement,
  type CaptchaProvider,
} from '@flux/challenge';
import type { ChallengeAction } from '@flux/contracts';
import { LOG, RepeatedWarning, type Log } from '@flux/telemetry';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';

/** What a widget is shown with. */
export interface Widget {
  readonly provider: CaptchaProvider;
  readonly siteKey: string;
  readonly scriptUrl: string;
}

/** A verifier that could not be asked is taken to be down for so long: nobody is sent to a captcha in vain. */
const DOWN_MS = 5_000;

/** This gateway's captcha provider, where it has one. */
@Injectable()
export class Captcha {
  readonly widget: Widget | undefined;
  private readonly siteverify: Siteverify | undefined;
  /** By the answer that is asked about. */
  private readonly asking = new Map<string, Promise<CaptchaJudgement>>();
  private readonly failing: RepeatedWarning;
  private downUntilMs = -Infinity;

  constructor(
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    @Inject(LOG) log: Log,
  ) {
    this.failing = new RepeatedWarning(log, 'the verifier of captchas could not be asked');
    const provider = config.FLUX_CAPTCHA_PROVIDER;
    if (provider === 'none') return;
    const { scriptUrl } = PROVIDER_FACTS[provider];
    this.widget = {
      provider,
      siteKey: config.FLUX_CAPTCHA_SITE_KEY,
      scriptUrl: config.FLUX_CAPTCHA_SCRIPT_URL || scriptUrl,
    };
    this.siteverify = new Siteverify({
      provider,
      secret: config.FLUX_CAPTCHA_SECRET,
      verifyUrl: config.FLUX_CAPTCHA_VERIFY_URL || undefined,
      hostnames: hostnamesOf(config.FLUX_CAPTCHA_HOSTNAMES),
      timeoutMs: config.FLUX_CAPTCHA_TIMEOUT_MS,
    });
  }

  /** Where the widget comes from, as sources of a content security policy. */
  widgetSources(): readonly string[] {
    if (this.widget === undefined) return [];
    const { provider, scriptUrl } = this.widget;
    return [new URL(scriptUrl).origin, ...PROVIDER_FACTS[provider].sources];
  }

  /** Whether proof of work is ever taken in the place of a captcha. */
  mayBeProofOfWork(action: ChallengeAction): boolean {
    if (this.siteverify === undefined) return true;
    const { FLUX_CAPTCHA_DOWN_JOIN: ofJoin, FLUX_CAPTCHA_DOWN_PURCHASE: ofPurchase } = this.config;
    return (action === 'join' ? ofJoin : ofPurchase) === 'pow';
  }

  /** Whether it is now. */
  isProofOfWork(action: ChallengeAction): boolean {
    const isDown = this.siteverify === undefined || performance.now() < this.downUntilMs;
    return isDown && this.mayBeProofOfWork(action);
  }

  /** Never rejects. An answer that is sent twice at once is asked about once: the provider takes it only so often. */
  verify(claim: CaptchaClaim): Promise<CaptchaJudgement> {
    const { answer } = claim;
    const asking = this.asking.get(answer) ?? this.ask(claim).finally(() => this.asking.delete(answer));
    this.asking.set(answer, asking);
    return asking;
  }

  private async ask(claim: CaptchaClaim): Promise<CaptchaJudgement> {
    if (this.siteverify === undefined) return { outcome: 'refused', reason: 'invalid' };
    const judgement = await this.siteverify.verify(claim);
    if (judgement.outcome === 'unavailable') {
      this.failing.warn({ reason: judgement.reason });
      // Whoever sends it many answers at once must not make captchas go away.
      if (judgement.reason !== 'busy') this.downUntilMs = performance.now() + DOWN_MS;
    } else {
      this.downUntilMs = -Infinity;
    }
    return judgement;
  }
}
