import { hash } from 'node:crypto';
import type { PageConfig } from '@flux/waiting-room-page';

const META = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"/;

/** The policy that a built page carries. */
export function policyOf(html: string): string {
  return META.exec(html)?.[1] ?? '';
}

/**
 * The page with its policy widened to where the shop's API and logo are, and to where its captcha comes from.
 * @param captcha sources of the widget; none: no captcha
 */
export function withShopOrigins(
  html: string,
  { apiUrl, logoUrl }: PageConfig,
  captcha: readonly string[],
): string {
  const ofWidget = ['script-src', 'style-src', 'connect-src'];
  const directives = policyOf(html)
    .split('; ')
    .map((directive) => {
      const [name = ''] = directive.split(' ', 1);
      const shopUrls = name === 'connect-src' ? [apiUrl] : name === 'img-src' ? [logoUrl] : [];
      return [...shopUrls, ...(ofWidget.includes(name) ? captcha : [])].reduce(widened, directive);
    });
  const frames = captcha.length === 0 ? [] : [captcha.reduce(widened, 'frame-src')];
  const policy = [...directives, ...frames].join('; ');
  return html.replace(META, () => `<meta http-equiv="Content-Security-Policy" content="${policy}"`);
}

/** For a page without a script: nothing but these styles and the shop's logo. */
export function scriptlessPolicy(styles: readonly string[], { logoUrl }: PageConfig): string {
  const hashes = styles.map((style) => `'sha256-${hash('sha256', style, 'base64')}'`);
  return [
    "default-src 'none'",
    `style-src ${hashes.join(' ')}`,
    widened("img-src 'self' data:", logoUrl),
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
}

/** Paths are on the page's own origin, which is allowed anyway. */
function widened(directive: string, url: string | undefined): string {
  if (url === undefined || !/^https?:/.test(url)) return directive;
  const { origin } = new URL(url);
  return directive.split(' ').includes(origin) ? directive : `${directive} ${origin}`;
}
