import { hash } from 'node:crypto';

/** RFC 9110, section 8.8.3, strong: the body's digest. */
export function etagOf(body: string): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"`;
}

/** Whether an `If-None-Match` names it. RFC 9110, section 13.1.2: compared weakly. */
export function matchesEtag(known: string | undefined, etag: string): boolean {
  const tags = (known ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
