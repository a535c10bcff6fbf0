import { readFileSync } from 'node:fs';
import { chooseLanguage, localeOf, TEXT_KEYS, textsIn, type PageConfig } from './page-config';

const shipped = JSON.parse(readFileSync('apps/web/waiting-room/config.json', 'utf8')) as PageConfig;

describe('the shipped texts', () => {
  it.each(['en', 'de'])('are complete in %s, and no others', (language) => {
    expect(Object.keys(shipped.texts[language] ?? {}).sort()).toEqual([...TEXT_KEYS].sort());
  });

  it('take the same values in every language', () => {
    for (const key of TEXT_KEYS) {
      const [en, de] = ['en', 'de'].map((language) => shipped.texts[language]?.[key]?.match(/\{\w+\}/g));
      expect([key, de]).toEqual([key, en]);
    }
  });
});

describe('the language', () => {
  it.each([
    [['de-AT', 'en'], 'de'],
    [['fr', 'en-GB'], 'en'],
    [['DE'], 'de'],
    [['fr'], 'en'],
    [[], 'en'],
  ])('for %j is %s', (wanted, language) => {
    expect(chooseLanguage(shipped, wanted)).toBe(language);
  });

  it('keeps the shopper’s region for numbers and times', () => {
    expect(localeOf('en', ['de-CH', 'en-GB', 'en-US'])).toBe('en-GB');
    expect(localeOf('de', ['en-GB'])).toBe('de');
  });

  it('takes what a shop’s texts lack from the page’s own, then from English', () => {
    const shop = { texts: { en: { join: 'Queue up' }, fr: { leave: 'Quitter' } } };
    expect(textsIn('de', shop, shipped).join).toBe('Anstellen');
    expect(textsIn('fr', shop, shipped)).toMatchObject({
      leave: 'Quitter',
      join: 'Queue up',
      next: 'You are next.',
    });
  });
});
