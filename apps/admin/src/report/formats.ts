const NUMBER = new Intl.NumberFormat('en');

/** `1,234,567` */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** `EUR 1,234.50`: by the digits that the currency has, without ever leaving whole numbers. */
export function money(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  const padded = String(minor).padStart(digits + 1, '0');
  const whole = NUMBER.format(BigInt(padded.slice(0, padded.length - digits)));
  return `${currency} ${whole}${digits === 0 ? '' : `.${padded.slice(-digits)}`}`;
}

function digitsOf(currency: string): number {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  return maximumFractionDigits;
}

/** `2026-01-01 10:15:00 UTC` */
export function time(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** `10:15:00`, with the day where that is another one. */
export function clock(iso: string, day: string): string {
  const at = iso.slice(11, 19);
  return iso.startsWith(day) ? at : `${iso.slice(5, 10)} ${at}`;
}

/** `1 s`, `5 min`, `2 h`, `3 d` */
export function duration(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}
