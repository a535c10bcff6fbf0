interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * Which of the offered media types a request's `Accept` prefers (RFC 9110, section 12.5.1): the one of the highest
 * quality, between equals the one offered first. The first one also where none is acceptable, or nothing was sent.
 */
export function preferredType<const Offered extends readonly [string, ...string[]]>(
  accept: string | undefined,
  offered: Offered,
): Offered[number] {
  const ranges = (accept ?? '').split(',').map(rangeOf);
  let best: { readonly type: Offered[number]; readonly quality: number } = { type: offered[0], quality: 0 };
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > best.quality) best = { type, quality };
  }
  return best.type;
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [, quality = '1'] = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameters.at(-1) ?? '') ?? [];
  return { type, quality: Number(quality) };
}

/** That of the most specific range that matches; 0 where none does. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const [main = ''] = type.split('/');
  for (const candidate of [type, `${main}/*`, '*/*']) {
    const range = ranges.find((each) => each.type === candidate);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
