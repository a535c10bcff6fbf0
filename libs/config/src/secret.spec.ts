import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  choiceSetting,
  ConfigError,
  flagSetting,
  LISTED_KEYS,
  loadConfig,
  MIN_KEY_BYTES,
  passwordsOfUrls,
  secretSetting,
  textSetting,
  weaknessOf,
} from '.';

const STRONG = randomBytes(24).toString('hex');

const text = (fallback: string) => textSetting({ default: fallback, unit: 'text', description: 'A text' });

const schema = z.object({
  NODE_ENV: choiceSetting({ choices: ['test', 'production'], default: 'test', description: 'Where' }),
  SECRET: secretSetting(text('')),
  SECRETS: secretSetting(text(''), LISTED_KEYS),
  SERVER_URL: secretSetting(text('db://flux:flux@host'), passwordsOfUrls('WAIVE_PASSWORD')),
  WAIVE_PASSWORD: flagSetting({ default: false, description: 'Without a password' }),
});

const GOOD = { SERVER_URL: `db://u:${STRONG}@host` };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(schema, { ...GOOD, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const production = (env: Record<string, string>) => problemsOf({ NODE_ENV: 'production', ...env });

describe('weaknessOf', () => {
  it.each([
    ['hexadecimal', STRONG],
    ['base64', randomBytes(32).toString('base64')],
    ['a sentence', 'correct horse battery staple, at noon'],
  ])('takes %s', (_name, secret) => {
    expect(weaknessOf(secret, MIN_KEY_BYTES)).toBeUndefined();
  });

  it.each([
    ['nothing', '', 'missing'],
    ['31 bytes', STRONG.slice(0, 31), 'shorter'],
    ['one character', 'x'.repeat(64), 'variety'],
    ['a short word over and over', 'flux-gate!'.repeat(5), 'variety'],
    ['a prefix and one character', `sk_live_${'0'.repeat(32)}`, 'variety'],
    ['half of it twice', STRONG.slice(0, 20).repeat(2), 'variety'],
    ['few characters', 'abcabca'.repeat(6) + 'cab', 'variety'],
    ['a placeholder', 'please-change-me-before-you-go-to-production', 'example'],
    ['a description', '<32 bytes or more, of openssl rand -hex>', 'example'],
    ['an example', `example-${STRONG}`, 'example'],
    ["somebody's", 'your-secret-key-goes-here-0123456789', 'example'],
  ])('refuses %s', (_name, secret, why) => {
    expect(weaknessOf(secret, MIN_KEY_BYTES)).toContain(why);
  });

  it('counts bytes, not characters', () => {
    expect(weaknessOf('äöüßéèêñ'.repeat(1) + 'çøåæœþðł', MIN_KEY_BYTES)).toBeUndefined();
  });
});

describe('S38: a secret variable', () => {
  it('may be weak elsewhere, and must be strong in production, by its name and never its value', () => {
    const weak = { SECRET: 'canary'.repeat(8) };
    expect(problemsOf(weak)).toEqual([]);
    expect(production(weak)).toEqual([expect.stringMatching(/^SECRET: .* production/)]);
    expect(production(weak).join()).not.toContain('canary');
    expect(production({ SECRET: STRONG })).toEqual([]);
  });

  it('may be left out where nothing needs it', () => {
    expect(production({})).toEqual([]);
  });

  it('is judged secret by secret in a list', () => {
    expect(production({ SECRETS: `${STRONG},${STRONG}x` })).toEqual([]);
    expect(production({ SECRETS: `${STRONG},canary` })).toEqual([expect.stringMatching(/^SECRETS: /)]);
  });

  it.each([
    ['the default', ''],
    ['an empty password', 'db://flux@host'],
    ['a default one', 'db://flux:flux@host'],
    ['one of two without', `db://u:${STRONG}@a,db://b`],
  ])('refuses a URL with %s unless that is waived', (_name, SERVER_URL) => {
    expect(production({ SERVER_URL })).toEqual([expect.stringMatching(/^SERVER_URL: .*WAIVE_PASSWORD=1/)]);
    expect(production({ SERVER_URL, WAIVE_PASSWORD: '1' })).toEqual([]);
  });

  describe('in a file', () => {
    let folder: string;
    const fileWith = (content: string): string => {
      const file = join(folder, 'secret');
      writeFileSync(file, content);
      return file;
    };

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'flux-secret-'));
    });
    afterAll(() => {
      rmSync(folder, { recursive: true });
    });

    it('is read without the line end, and judged like any other', () => {
      const env = { ...GOOD, SECRET_FILE: fileWith(`${STRONG}\n`) };
      expect(loadConfig(schema, env).SECRET).toBe(STRONG);
      expect(production({ SECRET_FILE: fileWith('canary\n') })).toEqual([
        expect.stringMatching(/^SECRET: .*shorter/),
      ]);
    });

    it.each([
      ['that is missing', () => ({ SECRET_FILE: join(folder, 'none') })],
      ['that is a folder', () => ({ SECRET_FILE: folder })],
      ['that is empty', () => ({ SECRET_FILE: fileWith('\n') })],
      ['that is too large', () => ({ SECRET_FILE: fileWith('canary'.repeat(20_000)) })],
      ['beside the variable', () => ({ SECRET_FILE: fileWith(STRONG), SECRET: `canary${STRONG}` })],
    ])('is refused by one %s', (_name, env) => {
      expect(problemsOf(env())).toEqual([expect.stringMatching(/^SECRET(_FILE)?: /)]);
      expect(problemsOf(env()).join()).not.toContain('canary');
    });

    it('is no way to set what is no secret', () => {
      expect(loadConfig(schema, { ...GOOD, WAIVE_PASSWORD_FILE: fileWith('1') }).WAIVE_PASSWORD).toBe(false);
    });
  });
});
