/** Every text of the page. `config.json` has them all in English, which stands in where a language lacks one. */
export const TEXT_KEYS = [
  'connecting.heading',
  'connecting.lead',
  'checking.heading',
  'checking.lead',
  'captcha.heading',
  'captcha.lead',
  'scriptNeeded.heading',
  'scriptNeeded.lead',
  'lobby.heading',
  'lobby.lead',
  'opensIn',
  'opensNow',
  'waiting.heading',
  'waiting.lead',
  'yourPlace',
  'next',
  'oneAhead',
  'manyAhead',
  'progress',
  'wait',
  'waitSoon',
  'waitUpTo',
  'waitAtLeast',
  'waitUnknown',
  'chance',
  'chance.likely',
  'chance.unlikely',
  'chance.soldOut',
  'since',
  'turn.heading',
  'turn.lead',
  'turnAgain',
  'turnUntil',
  'goToShop',
  'tryAgain',
  'soldOut.heading',
  'soldOut.lead',
  'open.heading',
  'open.lead',
  'halted.closed',
  'halted.recovering',
  'halted.drawing',
  'lost.heading',
  'lost.lead',
  'left.heading',
  'left.lead',
  'join',
  'joinAgain',
  'outside.heading',
  'outside.lead',
  'leave',
  'leaveQuestion',
  'leaveWarning',
  'leaveYes',
  'leaveNo',
  'notYet.heading',
  'notYet.lead',
  'over.heading',
  'over.lead',
  'unknownSale.heading',
  'unknownSale.lead',
  'stranger.heading',
  'stranger.lead',
  'unreachable',
  'unreachableNoPlace',
  'busy',
  'updated',
  'reloads',
  'backToShop',
  'language',
] as const;
export type TextKey = (typeof TEXT_KEYS)[number];
export type PageTexts = Readonly<Record<TextKey, string>>;

/** Colours of one scheme, as CSS hexadecimal. Where one is left out, the page's own stands. */
export interface PageColours {
  readonly accent?: string | undefined;
  readonly onAccent?: string | undefined;
  readonly background?: string | undefined;
  readonly surface?: string | undefined;
  readonly text?: string | undefined;
  readonly muted?: string | undefined;
}

/** `config.json`: what a shop makes of the page. */
export interface PageConfig {
  readonly shopName: string;
  /** Where the shopper goes at the turn. Relative: on the page's own origin. */
  readonly shopUrl: string;
  /** Origin of the shop API; empty: the page's own. */
  readonly apiUrl: string;
  readonly logoUrl?: string | undefined;
  readonly colours?: { readonly light?: PageColours | undefined; readonly dark?: PageColours | undefined };
  /** By language tag. The first is taken for shoppers who want none of them. */
  readonly texts: Readonly<Record<string, Partial<PageTexts>>>;
}

/**
 * The first wanted language that there are texts in; `de-AT` finds `de`.
 * @param wanted language tags, the dearest first
 */
export function chooseLanguage(config: Pick<PageConfig, 'texts'>, wanted: readonly string[]): string {
  const known = Object.keys(config.texts);
  for (const tag of wanted) {
    const found =
      known.find((language) => language.toLowerCase() === tag.toLowerCase()) ??
      known.find((language) => language.toLowerCase() === tag.split('-')[0]?.toLowerCase());
    if (found !== undefined) return found;
  }
  return known[0] ?? 'en';
}

/** How numbers and times are written: `en-GB` for who reads English and asked for `en-GB`. */
export function localeOf(language: string, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.split('-')[0] === language) ?? language;
}

/** A language's texts; what it lacks comes from the shop's English, then from the page's own. */
export function textsIn(
  language: string,
  config: Pick<PageConfig, 'texts'>,
  defaults: Pick<PageConfig, 'texts'>,
): PageTexts {
  return {
    ...defaults.texts['en'],
    ...config.texts['en'],
    ...defaults.texts[language],
    ...config.texts[language],
  } as PageTexts;
}
