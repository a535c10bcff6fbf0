import {
  carryingQueryAddress,
  chooseLanguage,
  coloursCss,
  localeOf,
  renderPlace,
  shopAddress,
  textsIn,
  viewOf,
  Words,
} from '@flux/waiting-room-page';
import { scriptlessPolicy } from './content-security-policy';
import type { PlaceFound } from './place.service';
import type { ShopPage } from './waiting-room-page';

/** Stands for the page's own origin, which only the proxies in front of the gateway know. */
const HERE = 'https://here.invalid';

/** Long enough to read that it is one's turn. */
const CARRY_AFTER_SECONDS = 3;
/** A page that reloads faster cannot be read. */
const LEAST_SECONDS = 2;

export interface PlacePageRequest {
  readonly saleId: string;
  /** `?return=` */
  readonly wanted: string | undefined;
  readonly acceptLanguage: string | undefined;
  /** What the browser was carried to the shop for before: it is not carried for the same again. */
  readonly carriedFor: string | undefined;
}

export interface PlacePage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
  /** What the browser is carried to the shop for; undefined where it stays. */
  readonly carriesFor: string | undefined;
}

/** The page for browsers that run no script: pure. */
export function placePageOf(page: ShopPage, place: PlaceFound, request: PlacePageRequest): PlacePage {
  const { config } = page;
  const { saleId, wanted, carriedFor } = request;
  const languages = languagesIn(request.acceptLanguage);
  const language = chooseLanguage(config, languages);
  const words = new Words(localeOf(language, languages), textsIn(language, config, page.defaults), 'UTC');
  const { situation, unreachableForSeconds } = place;
  const shop = shopAddress({ shopUrl: config.shopUrl, pageUrl: HERE, wanted });
  const reason = reasonToCarry(place);
  const carriesFor = reason === carriedFor ? undefined : reason;
  const pass = situation.kind === 'answered' ? situation.answer.pass : undefined;
  const shopHref = linkTo(shop.href);
  const shopGoHref = reason === undefined ? shopHref : linkTo(carryingQueryAddress(shop, saleId, pass));
  const goHref = situation.kind === 'scriptNeeded' ? pageHref(wanted) : shopGoHref;
  const refresh = refreshOf(place);
  const contentSecurityPolicy = scriptlessPolicy([styleOf(page.html.body), coloursCss(config)], config);
  const view = viewOf({
    words,
    shopName: config.shopName,
    nowMs: Date.now(),
    situation,
    trouble:
      unreachableForSeconds === undefined
        ? undefined
        : { kind: 'unreachable', retryInMs: unreachableForSeconds * 1_000 },
    updatedAtMs: Date.now(),
    carrying: carriesFor !== undefined,
  });
  const html = renderPlace(page.html.body, view, {
    language,
    words,
    config,
    shopHref,
    goHref,
    refresh: carriesFor === undefined ? refresh : { seconds: CARRY_AFTER_SECONDS, href: goHref },
    contentSecurityPolicy,
  });
  return { html, contentSecurityPolicy: `${contentSecurityPolicy}; frame-ancestors 'none'`, carriesFor };
}

/** A turn is known by when its shopper joined. */
function reasonToCarry({ situation }: PlaceFound): string | undefined {
  if (situation.kind !== 'answered') return undefined;
  const { status, joinedAt } = situation.answer;
  if (status === 'open') return 'open';
  return status === 'turn' ? joinedAt?.replace(/\W/g, '') : undefined;
}

/** The page that runs scripts, beside this one. */
function pageHref(wanted: string | undefined): string {
  return wanted === undefined ? './' : `./?${new URLSearchParams({ return: wanted }).toString()}`;
}

/** An address on the page's own origin is left without one. */
function linkTo(href: string): string {
  return href.startsWith(`${HERE}/`) ? href.slice(HERE.length) : href;
}

function refreshOf({ situation, unreachableForSeconds, askAgainSeconds }: PlaceFound) {
  const seconds = unreachableForSeconds ?? askAgainSeconds;
  if (seconds !== undefined) return { seconds };
  if (situation.kind !== 'answered') return undefined;
  const { status, askAgainMs } = situation.answer;
  const isOver = status === 'soldOut' || status === 'open';
  return isOver ? undefined : { seconds: Math.max(LEAST_SECONDS, Math.ceil(askAgainMs / 1_000)) };
}

function styleOf(html: string): string {
  return /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? '';
}

/** The tags of an Accept-Language header in their order; their weights nearly always say the same. */
function languagesIn(header = ''): readonly string[] {
  return header
    .split(',')
    .map((part) => part.split(';')[0]?.trim() ?? '')
    .filter((tag) => /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/.test(tag));
}
