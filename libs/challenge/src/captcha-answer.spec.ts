import { judgeAnswer } from './captcha-answer';

const NOW_MS = Date.parse('2026-11-27T09:00:00.000Z');
const EXPECTED = { hostnames: ['shop.example'], action: 'join', nowMs: NOW_MS };
const MET = {
  success: true,
  hostname: 'shop.example',
  action: 'join',
  challenge_ts: '2026-11-27T08:59:58.123Z',
  'error-codes': [],
};

function at(ageMs: number): object {
  return { ...MET, challenge_ts: new Date(NOW_MS - ageMs).toISOString() };
}

describe('the answer of a verifier', () => {
  it('counts where host, action and time are as they must be', () => {
    expect(judgeAnswer(MET, EXPECTED)).toEqual({ outcome: 'met' });
    expect(judgeAnswer(at(300_000), EXPECTED)).toEqual({ outcome: 'met' });
    expect(judgeAnswer(at(-60_000), EXPECTED)).toEqual({ outcome: 'met' });
  });

  it('needs no action of a provider that tells none', () => {
    const { action, ...silent } = MET;
    expect(judgeAnswer(silent, { ...EXPECTED, action: undefined })).toEqual({ outcome: 'met' });
    expect([action, judgeAnswer(silent, EXPECTED)]).toEqual([
      'join',
      { outcome: 'refused', reason: 'action' },
    ]);
  });

  it.each([
    ['another host', { ...MET, hostname: 'evil.example' }, 'hostname'],
    ['no host', { ...MET, hostname: null }, 'hostname'],
    ['another action', { ...MET, action: 'purchase' }, 'action'],
    ['five minutes and more', at(300_001), 'old'],
    ['a time to come', at(-60_001), 'old'],
    ['no time', { ...MET, challenge_ts: undefined }, 'old'],
    ['no time that is one', { ...MET, challenge_ts: 'yesterday' }, 'old'],
    ['a failure', { success: false, 'error-codes': ['invalid-input-response'] }, 'invalid'],
    ['a failure without a reason', { success: false }, 'invalid'],
    ['a second time', { success: false, 'error-codes': ['timeout-or-duplicate'] }, 'duplicate'],
    ['a second time at hCaptcha', { success: false, 'error-codes': ['already-seen-response'] }, 'duplicate'],
  ])('is a refusal for %s', (_name, body, reason) => {
    expect(judgeAnswer(body, EXPECTED)).toEqual({ outcome: 'refused', reason });
  });

  it.each([
    [
      'a wrong secret of ours',
      { success: false, 'error-codes': ['invalid-input-secret'] },
      'invalid-input-secret',
    ],
    ['an error of its own', { success: false, 'error-codes': ['internal-error'] }, 'internal-error'],
    ['words that are none', { success: false, 'error-codes': ['Secret 123!'] }, 'an unknown error code'],
    ['another protocol', { ok: true }, 'not the protocol'],
    ['no object', 'success', 'not the protocol'],
    ['a success that is a text', { ...MET, success: 'true' }, 'not the protocol'],
  ])('says nothing of the shopper with %s', (_name, body, reason) => {
    expect(judgeAnswer(body, EXPECTED)).toEqual({ outcome: 'unavailable', reason });
  });
});
