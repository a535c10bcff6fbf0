import { CaptchaProviderServer, waitUntil } from '@flux/testing';
import { Siteverify, type SiteverifyOptions } from '../src/siteverify';

const SECRET = 'canary-secret-of-the-site-with-enough-bytes';
const MET = { hostname: 'shop.example', action: 'join' };
const TIMEOUT_MS = 300;

describe('the verifier of captchas', () => {
  let provider: CaptchaProviderServer;
  beforeAll(async () => {
    provider = await CaptchaProviderServer.start(SECRET);
  });
  afterEach(() => {
    provider.trouble = undefined;
    provider.questions.length = 0;
  });
  afterAll(() => provider.stop());

  function siteverify(options: Partial<SiteverifyOptions> = {}): Siteverify {
    const { verifyUrl } = provider;
    const own = { verifyUrl, secret: SECRET, hostnames: ['shop.example'], timeoutMs: TIMEOUT_MS };
    return new Siteverify({ provider: 'turnstile', ...own, ...options });
  }

  const claim = (answer: string) => ({ answer, remoteIp: '192.0.2.7', action: 'join' });

  it('is asked with secret, answer and address, and takes an answer once', async () => {
    const answer = provider.answer(MET);
    const verifier = siteverify();
    expect(await verifier.verify(claim(answer))).toEqual({ outcome: 'met' });
    expect(provider.questions).toEqual([{ secret: SECRET, response: answer, remoteip: '192.0.2.7' }]);
    expect(await verifier.verify(claim(answer))).toEqual({ outcome: 'refused', reason: 'duplicate' });
  });

  it('refuses what was met on another page, for something else, or long ago', async () => {
    const verifier = siteverify();
    for (const [met, reason] of [
      [{ ...MET, hostname: 'evil.example' }, 'hostname'],
      [{ ...MET, action: 'purchase' }, 'action'],
      [{ ...MET, ageMs: 301_000 }, 'old'],
    ] as const) {
      expect(await verifier.verify(claim(provider.answer(met)))).toEqual({ outcome: 'refused', reason });
    }
    const { answer, ...others } = claim(provider.answer(MET));
    expect(await siteverify({ provider: 'hcaptcha' }).verify({ ...others, answer })).toEqual({
      outcome: 'met',
    });
  });

  it('asks nobody about what no widget gives', async () => {
    const verifier = siteverify();
    for (const answer of ['', 'a b', 'a,b', 'a~b', 'ä', 'a\n', 'x'.repeat(2_049)]) {
      expect(await verifier.verify(claim(answer))).toEqual({ outcome: 'refused', reason: 'invalid' });
    }
    expect(provider.questions).toEqual([]);
  });

  it.each([
    ['silent', 'timeout'],
    ['status-500', 'status 500'],
    ['garbage', 'no JSON'],
    ['redirect', 'not reached'],
    ['endless', 'a long answer'],
    ['cut', 'not reached'],
  ] as const)('says that it is unavailable when it is: %s', async (trouble, reason) => {
    provider.trouble = trouble;
    expect(await siteverify().verify(claim(provider.answer(MET)))).toEqual({
      outcome: 'unavailable',
      reason,
    });
    // A redirect is not followed: the secret went to one place.
    expect(provider.questions).toHaveLength(1);
  });

  it('says so of a secret that the provider does not know, and repeats no secret', async () => {
    const judgement = await siteverify({ secret: `${SECRET}2` }).verify(claim(provider.answer(MET)));
    expect(judgement).toEqual({ outcome: 'unavailable', reason: 'invalid-input-secret' });
  });

  it('asks so many questions at once, and refuses to wait for more', async () => {
    provider.trouble = 'silent';
    const verifier = siteverify({ timeoutMs: 2_000 });
    const asked = Array.from({ length: 128 }, () => verifier.verify(claim(provider.answer(MET))));
    await waitUntil('all are asked', () => Promise.resolve(provider.questions.length === 128));
    const busy = { outcome: 'unavailable', reason: 'busy' };
    expect(await verifier.verify(claim(provider.answer(MET)))).toEqual(busy);
    await Promise.all(asked);
    provider.trouble = undefined;
    expect(await verifier.verify(claim(provider.answer(MET)))).toEqual({ outcome: 'met' });
  });
});
