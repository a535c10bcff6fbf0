import { hash } from 'node:crypto';
import type { PageConfig } from '@flux/waiting-room-page';

const META = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"/;

/** The policy that a built page carries. */
export function policyOf(html: string): string {
  return META.exec(html)?.[1] ?? '';
}

/** The page with its policy widened to where the shop's API and logo are. */
export function withShopOrigins(html: string, { apiUrl, logoUrl }: PageConfig): string {
  const policy = policyOf(html)
    .split('; ')
    .map((directive) => {
      if (directive.startsWith('connect-src ')) return widened(directive, apiUrl);
      return directive.startsWith('img-src ') ? widened(directive, logoUrl) : directive;
    })
    .join('; ');
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
