import type { QueueAnswer } from '@flux/contracts';
import type { PageTexts, TextKey } from './page-config';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From here on, an interval is told in hours. */
const HOURS_FROM_MS = 100 * MINUTE;

/** Numbers, times and texts in one language. */
export class Words {
  private readonly numbers: Intl.NumberFormat;

  /** @param timeZone by default the reader's own */
  constructor(
    private readonly locale: string,
    private readonly texts: PageTexts,
    private readonly timeZone?: string,
  ) {
    this.numbers = new Intl.NumberFormat(locale);
  }

  number(value: number): string {
    return this.numbers.format(value);
  }

  /** The text, with `{name}` replaced by what `values` has under that name. */
  say(key: TextKey, values: Readonly<Record<string, string>> = {}): string {
    return this.texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  }

  /** `14:03:22`; with the zone's name where the zone is not the reader's. */
  time(value: number | string): string {
    const zone =
      this.timeZone === undefined ? {} : { timeZone: this.timeZone, timeZoneName: 'short' as const };
    const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
    return new Intl.DateTimeFormat(this.locale, { ...parts, ...zone }).format(new Date(value));
  }

  /** `12 seconds`, never 0. */
  seconds(ms: number): string {
    return this.unit('second').format(Math.max(1, Math.ceil(ms / SECOND)));
  }

  /** `00:12:33`; from a day on `2 days 00:12:33`. */
  countdown(ms: number): string {
    const days = Math.floor(ms / DAY);
    const clock = [(ms % DAY) / HOUR, (ms % HOUR) / MINUTE, (ms % MINUTE) / SECOND]
      .map((part) => String(Math.floor(part)).padStart(2, '0'))
      .join(':');
    return days === 0 ? clock : `${this.unit('day').format(days)} ${clock}`;
  }

  /** `3–5 minutes`: rounded outwards, so that it promises no more than was measured. */
  interval(wait: QueueAnswer['estimatedWait']): string {
    if (wait === undefined) return this.say('waitUnknown');
    const { fromMs, toMs } = wait;
    if (toMs !== null && toMs < MINUTE) return this.say('waitSoon');
    const unit = (toMs ?? fromMs) < HOURS_FROM_MS ? MINUTE : HOUR;
    const format = this.unit(unit === MINUTE ? 'minute' : 'hour');
    const from = Math.floor(fromMs / unit);
    if (toMs === null) {
      return from === 0 ? this.say('waitUnknown') : this.say('waitAtLeast', { time: format.format(from) });
    }
    const to = Math.ceil(toMs / unit);
    if (from === 0) return this.say('waitUpTo', { time: format.format(to) });
    return from === to ? format.format(to) : rangeOf(format, from, to);
  }

  private unit(unit: 'second' | 'minute' | 'hour' | 'day'): Intl.NumberFormat {
    return new Intl.NumberFormat(this.locale, { style: 'unit', unit, unitDisplay: 'long' });
  }
}

/** Browsers before 2023 cannot format a range; they get its end. */
function rangeOf(format: Intl.NumberFormat, from: number, to: number): string {
  return 'formatRange' in format ? format.formatRange(from, to) : (format as Intl.NumberFormat).format(to);
}
