import { loadConfig } from '@flux/config';
import { captchaProblems, captchaSettings, hostnamesOf } from './settings';

const SET = {
  FLUX_CAPTCHA_PROVIDER: 'turnstile',
  FLUX_CAPTCHA_SITE_KEY: 'site',
  FLUX_CAPTCHA_SECRET: 'canary',
  FLUX_CAPTCHA_HOSTNAMES: 'shop.example',
};

function problems(env: Record<string, string>): readonly string[] {
  return captchaProblems(loadConfig(captchaSettings, env)).map(({ variable }) => variable);
}

describe('the settings of captchas', () => {
  it('are none where nothing is said, and nothing is needed for that', () => {
    const config = loadConfig(captchaSettings, {});
    expect(config).toMatchObject({
      FLUX_CAPTCHA_PROVIDER: 'none',
      FLUX_CAPTCHA_DOWN_JOIN: 'pow',
      FLUX_CAPTCHA_DOWN_PURCHASE: 'refuse',
    });
    expect(captchaProblems(config)).toEqual([]);
  });

  it.each([
    [{}, []],
    [{ FLUX_CAPTCHA_SITE_KEY: '' }, ['FLUX_CAPTCHA_SITE_KEY']],
    [{ FLUX_CAPTCHA_SECRET: '' }, ['FLUX_CAPTCHA_SECRET']],
    [{ FLUX_CAPTCHA_HOSTNAMES: ' ' }, ['FLUX_CAPTCHA_HOSTNAMES']],
    [{ FLUX_CAPTCHA_VERIFY_URL: 'file:///etc/passwd' }, ['FLUX_CAPTCHA_VERIFY_URL']],
    [{ FLUX_CAPTCHA_SCRIPT_URL: 'javascript:1' }, ['FLUX_CAPTCHA_SCRIPT_URL']],
  ])('with a provider and %j: problems with %j', (changes, expected) => {
    expect(problems({ ...SET, ...changes })).toEqual(expected);
  });

  it('are refused without their values', () => {
    const [problem] = captchaProblems(loadConfig(captchaSettings, { ...SET, FLUX_CAPTCHA_SITE_KEY: '' }));
    expect(problem?.message).toBe('is needed with FLUX_CAPTCHA_PROVIDER=turnstile');
    expect(JSON.stringify(problem)).not.toContain('canary');
  });

  it('name hosts in a list', () => {
    expect(hostnamesOf(' Shop.example, ,m.shop.example')).toEqual(['shop.example', 'm.shop.example']);
  });
});
