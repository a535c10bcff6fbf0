import type { IncomingHttpHeaders } from 'node:http';

/** A ticket may come back as a cookie: pages without a script can send no header. */
export function ticketCookieOf(saleId: string): string {
  return `flux-ticket-${saleId}`;
}

/** The ticket of a request, in the header `x-ticket` or in the sale's cookie. */
export function ticketIn(headers: IncomingHttpHeaders, saleId: string): string | undefined {
  const header = headers['x-ticket'];
  return header === undefined ? cookieIn(headers, ticketCookieOf(saleId)) : String(header);
}

/** RFC 6265, section 4.2. */
export function cookieIn({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  for (const pair of cookie?.split(';') ?? []) {
    const [key, ...value] = pair.split('=');
    if (key?.trim() === name) return value.join('=').trim();
  }
  return undefined;
}

/** @param secure where the page is reached by https */
export function ticketCookie(saleId: string, ticket: string, secure: boolean): string {
  return `${ticketCookieOf(saleId)}=${ticket}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}
