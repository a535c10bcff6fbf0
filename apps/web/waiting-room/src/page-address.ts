/** What the page's own address says. */
export interface PageAddress {
  readonly saleId: string;
  /** Where `config.json` is. */
  readonly configUrl: string;
  /** Where in the shop the shopper wants to go back to. */
  readonly wanted: string | null;
}

/**
 * `/waiting-room/<saleId>/`, as the gateway serves the page, with `config.json` a folder above; or `?sale=<saleId>` on any
 * file, for hosts that know no patterns, with `config.json` beside it.
 */
export function pageAddressOf(href: string): PageAddress {
  const url = new URL(href);
  const asked = url.searchParams.get('sale');
  const named = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .at(-1);
  return {
    saleId: asked ?? named ?? '',
    configUrl: new URL(asked === null ? '../config.json' : 'config.json', url).href,
    wanted: url.searchParams.get('return'),
  };
}
