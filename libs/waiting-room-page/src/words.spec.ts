import { readFileSync } from 'node:fs';
import { textsIn, type PageConfig } from './page-config';
import { Words } from './words';

const config = JSON.parse(readFileSync('apps/web/waiting-room/config.json', 'utf8')) as PageConfig;
const english = new Words('en-GB', textsIn('en', config, config), 'UTC');
const german = new Words('de', textsIn('de', config, config), 'UTC');

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('Words', () => {
  it.each([
    [{ fromMs: 0, toMs: 59 * SECOND }, 'less than a minute', 'unter einer Minute'],
    [{ fromMs: 20 * SECOND, toMs: 100 * SECOND }, 'up to 2 minutes', 'bis zu 2 Minuten'],
    [{ fromMs: 4 * MINUTE + 50 * SECOND, toMs: 6 * MINUTE + 1 }, '4–7 minutes', '4–7 Minuten'],
    [{ fromMs: 5 * MINUTE, toMs: 5 * MINUTE }, '5 minutes', '5 Minuten'],
    [{ fromMs: 70 * MINUTE, toMs: 170 * MINUTE }, '1–3 hours', '1–3 Stunden'],
    [{ fromMs: 12 * MINUTE, toMs: null }, 'at least 12 minutes', 'mindestens 12 Minuten'],
    [{ fromMs: 30 * SECOND, toMs: null }, 'not known yet', 'noch nicht bekannt'],
    [undefined, 'not known yet', 'noch nicht bekannt'],
  ])('tells the interval %j, rounded outwards', (wait, inEnglish, inGerman) => {
    expect(english.interval(wait).replace(/\s?–\s?/, '–')).toBe(inEnglish);
    expect(german.interval(wait).replace(/\s?–\s?/, '–')).toBe(inGerman);
  });

  it('counts down in hours, from a day on with days', () => {
    expect(english.countdown(0)).toBe('00:00:00');
    expect(english.countdown(12 * MINUTE + 33_900)).toBe('00:12:33');
    expect(english.countdown((2 * 24 + 3) * 60 * MINUTE + 4 * MINUTE + 5 * SECOND)).toBe('2 days 03:04:05');
    expect(german.countdown(24 * 60 * MINUTE)).toBe('1 Tag 00:00:00');
  });

  it('never promises the next try in 0 seconds', () => {
    expect(english.seconds(-5)).toBe('1 second');
    expect(english.seconds(6_001)).toBe('7 seconds');
    expect(german.seconds(1)).toBe('1 Sekunde');
  });

  it('writes numbers and times as the language does, with the zone where it is not the reader’s', () => {
    expect([english.number(1204567), german.number(1204567)]).toEqual(['1,204,567', '1.204.567']);
    expect(german.time('2026-11-23T14:03:22.900Z')).toBe('14:03:22 UTC');
  });

  it('fills values in by name and leaves what has none', () => {
    expect(english.say('manyAhead', { count: '7' })).toBe('7 people are ahead of you.');
    expect(english.say('manyAhead')).toContain('{count}');
  });
});
