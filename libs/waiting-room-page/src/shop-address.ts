interface ShopAddress {
  /** `shopUrl` of the page's configuration. */
  readonly shopUrl: string;
  /** The page's own address. */
  readonly pageUrl: string;
  /** Where in the shop the shopper wants to go back to: `?return=`, which anybody can write into a link. */
  readonly wanted?: string | null | undefined;
}

/**
 * Where the shop is for this shopper. `wanted` counts only where it is on the shop's own origin: a link to the page must
 * not lead anywhere else, with a pass in its hand.
 */
export function shopAddress({ shopUrl, pageUrl, wanted }: ShopAddress): URL {
  const shop = webAddress(shopUrl, pageUrl) ?? new URL('/', pageUrl);
  const asked = wanted ? webAddress(wanted, shop.href) : undefined;
  return asked?.origin === shop.origin ? asked : shop;
}

/** The address in the shop with what a script of the shop needs to buy, in the fragment, which no server logs. */
export function carryingAddress(shop: URL, saleId: string, pass?: string): string {
  const address = new URL(shop);
  address.hash = carried(saleId, pass).toString();
  return address.href;
}

/** The same for a shop without scripts, in the query: a fragment never reaches its server. */
export function carryingQueryAddress(shop: URL, saleId: string, pass?: string): string {
  const address = new URL(shop);
  for (const [name, value] of carried(saleId, pass)) address.searchParams.set(name, value);
  return address.href;
}

function carried(saleId: string, pass: string | undefined): URLSearchParams {
  return new URLSearchParams({ ...(pass === undefined ? {} : { pass }), sale: saleId });
}

/** An `http:` or `https:` address without credentials; a `blob:` one, too, claims an origin. */
function webAddress(text: string, base: string): URL | undefined {
  if (!URL.canParse(text, base)) return undefined;
  const address = new URL(text, base);
  if (address.protocol !== 'https:' && address.protocol !== 'http:') return undefined;
  address.username = '';
  address.password = '';
  return address;
}
