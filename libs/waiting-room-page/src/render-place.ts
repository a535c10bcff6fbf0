import type { PageColours, PageConfig } from './page-config';
import type { PlaceView } from './place-view';
import type { Words } from './words';

interface RenderOptions {
  readonly language: string;
  readonly words: Words;
  readonly config: PageConfig;
  /** The shop as this shopper comes to it, for "back". */
  readonly shopHref: string;
  /** Where "go to the shop" leads: with the pass, where there is one. */
  readonly goHref: string;
  /** When the browser is to load a page again, and which: by default this one. */
  readonly refresh?: { readonly seconds: number; readonly href?: string } | undefined;
  /** Of the page's own `<style>` and of one with the shop's colours. */
  readonly contentSecurityPolicy: string;
}

/**
 * The page with all its values filled in and no script: for shoppers whose browser runs none. Every value is escaped.
 * @param template `index.html` as it was built
 */
export function renderPlace(template: string, view: PlaceView, options: RenderOptions): string {
  const { language, words, refresh, contentSecurityPolicy } = options;
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(contentSecurityPolicy)}" />`,
    ...(refresh === undefined ? [] : [refreshTag(refresh)]),
  ].join('\n');
  return withValues(withoutScripts(template), valuesOf(view, options))
    .replace(/<html[^>]*>/, () => `<html lang="${escapeHtml(language)}">`)
    .replace(/<title>[^<]*/, () => `<title>${escapeHtml(view.title)}`)
    .replace(/<body[^>]*>/, () => `<body data-tone="${view.tone}"${view.stale ? ' data-stale' : ''}>`)
    .replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, () => head)
    .replace('</style>', () => `</style>\n<style>${coloursCss(options.config)}</style>`)
    .replace(/<p data-reloads[^>]*>/, (tag) => (refresh === undefined ? tag : reloads(words)));
}

/** The shop's colours as a style sheet; empty where it has none of its own. Takes hexadecimal colours only. */
export function coloursCss({ colours }: Pick<PageConfig, 'colours'>): string {
  const light = declarations(colours?.light);
  const dark = declarations(colours?.dark);
  return [
    light === '' ? '' : `@media (prefers-color-scheme:light){:root{${light}}}`,
    dark === '' ? '' : `@media (prefers-color-scheme:dark){:root{${dark}}}`,
  ].join('');
}

export const HEX_COLOUR = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;

function declarations(colours: PageColours = {}): string {
  return Object.entries(colours)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string' && HEX_COLOUR.test(entry[1]))
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');
}

function withoutScripts(template: string): string {
  return template
    .replace(/<script[\s\S]*?<\/script>/g, '')
    .replace(/<noscript>[\s\S]*?<\/noscript>/g, '')
    .replace(/<(dialog|form) data-script[\s\S]*?<\/\1>/g, '');
}

type Values = Readonly<Record<string, string | undefined>>;

function valuesOf(view: PlaceView, { config, shopHref, goHref }: RenderOptions): Values {
  const { progress } = view;
  // Leaving takes a DELETE, which no form sends; a line forgets who asks no more.
  return {
    ...view.slots,
    leave: undefined,
    progress: progress?.toString(),
    shop: config.shopName,
    logo: config.logoUrl,
    shopHref,
    goHref,
  };
}

/** Fills the opening tags that name a value, and the text behind those with `data-text`. */
function withValues(html: string, values: Values): string {
  return html.replace(
    /<([a-z0-9]+)( [^<>]*)>([^<]*)/g,
    (whole, tag: string, attributes: string, text: string) => {
      const show = attributeOf(attributes, 'data-show') ?? attributeOf(attributes, 'data-text');
      if (show === undefined) return whole;
      const visible = values[show] !== undefined;
      const filled = [
        attributes.replace(/ (hidden|href|src|value)(="[^"]*")?(?=[ /]|$)/g, '').trimEnd(),
        ...['href', 'src', 'value'].map((name) => filledAttribute(name, attributes, values)),
        visible ? '' : ' hidden',
      ].join('');
      const content =
        attributeOf(attributes, 'data-text') === undefined ? text : escapeHtml(values[show] ?? '');
      return `<${tag}${filled}>${content}`;
    },
  );
}

/** `data-href="goHref"` becomes `href="..."`. */
function filledAttribute(name: string, attributes: string, values: Values): string {
  const value = values[attributeOf(attributes, `data-${name}`) ?? ''];
  return value === undefined ? '' : ` ${name}="${escapeHtml(value)}"`;
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
}

function reloads(words: Words): string {
  return `<p>${escapeHtml(words.say('reloads'))}`;
}

function refreshTag({ seconds, href }: { readonly seconds: number; readonly href?: string }): string {
  const url = href === undefined ? '' : `; url=${href}`;
  return `<meta http-equiv="refresh" content="${escapeHtml(`${seconds}${url}`)}" />`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Good for text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
