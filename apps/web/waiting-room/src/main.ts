import {
  carryingAddress,
  localeOf,
  shopAddress,
  textsIn,
  viewOf,
  Words,
  type PageConfig,
} from '@flux/waiting-room-page';
import { Carrying } from './carrying';
import { ChallengeMeeter } from './challenge/challenge-meeter';
import { takeIdentity } from './identity';
import { KeptTicket } from './kept-ticket';
import { languageOf, offerLanguages } from './language-choice';
import { Line } from './line';
import { loadConfig } from './load-config';
import { pageAddressOf } from './page-address';
import { Page } from './page-view';
import { QueueApi } from './queue-api';
import { storeOf } from './store';

/** So long the shopper sees, and hears, that it is their turn. */
const CARRY_AFTER_MS = 1_500;
const TICK_MS = 1_000;

void start();

async function start(): Promise<void> {
  const tab = storeOf(() => sessionStorage);
  const device = storeOf(() => localStorage);
  const { saleId, configUrl, wanted } = pageAddressOf(location.href);
  const identity = takeIdentity(location.hash, tab, () => {
    history.replaceState(null, '', location.pathname + location.search);
  });
  const page = new Page(document);
  // `config.json` as the build found it.
  const defaults = JSON.parse(page.part('defaults').textContent) as PageConfig;
  const config = await loadConfig(configUrl, defaults);
  const shop = shopAddress({ shopUrl: config.shopUrl, pageUrl: location.href, wanted });
  const carryingTo = new Carrying(tab, saleId);
  /** How far the server's clock is ahead of this one. */
  let clockAheadMs = 0;
  let carrying = false;
  let words: Words;

  const { apiUrl } = config;
  const line = new Line({
    challenges: new ChallengeMeeter({ apiUrl, saleId, identity, place: page.part('captcha') }),
    kept: new KeptTicket(device, saleId),
    identified: Object.keys(identity).length > 0,
    api: new QueueApi({
      apiUrl,
      saleId,
      identity,
      onServerTime: (serverMs) => {
        clockAheadMs = serverMs - Date.now();
      },
    }),
    onChange: () => {
      carry();
      show();
    },
  });

  const goHref = (): string => {
    const { situation } = line;
    const isIn = situation.kind === 'answered' && ['turn', 'open'].includes(situation.answer.status);
    return isIn ? carryingAddress(shop, saleId, situation.answer.pass) : shop.href;
  };

  function carry(): void {
    const { situation } = line;
    if (situation.kind !== 'answered' || !carryingTo.begin(situation.answer, Date.now())) return;
    carrying = true;
    const address = goHref();
    setTimeout(() => {
      carrying = false;
      location.assign(address);
    }, CARRY_AFTER_MS);
  }

  function show(): void {
    const { situation, trouble, updatedAt } = line;
    const nowMs = Date.now();
    const view = viewOf({
      words,
      shopName: config.shopName,
      nowMs: nowMs + clockAheadMs,
      situation,
      trouble: trouble && { kind: trouble.kind, retryInMs: trouble.nextAt - nowMs },
      updatedAtMs: updatedAt,
      carrying,
    });
    page.show(view, {
      shop: config.shopName,
      shopHref: shop.href,
      goHref: goHref(),
      ...(config.logoUrl === undefined ? {} : { logo: config.logoUrl }),
    });
  }

  function speak(language: string): void {
    const locale = localeOf(language, navigator.languages);
    words = new Words(locale, textsIn(language, config, defaults));
    document.documentElement.lang = language;
    (page.part('language') as HTMLSelectElement).value = language;
    page.part('language-label').textContent = words.say('language');
    page.part('leaving-heading').textContent = words.say('leaveQuestion');
    page.part('leaving-warning').textContent = words.say('leaveWarning');
    page.part('leaving-yes').textContent = words.say('leaveYes');
    page.part('leaving-no').textContent = words.say('leaveNo');
    show();
  }

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const dress = (): void => {
    page.dress(config, dark.matches);
  };
  dark.addEventListener('change', dress);
  dress();
  offerLanguages({ page, config, store: device, onChoice: speak });
  speak(languageOf(config, device, navigator.languages));

  const leaving = page.part('leaving') as HTMLDialogElement;
  page.part('leave').addEventListener('click', () => {
    leaving.returnValue = '';
    leaving.showModal();
  });
  leaving.addEventListener('close', () => {
    if (leaving.returnValue === 'leave') void line.leave();
  });
  document.addEventListener('submit', (event) => {
    if (event.target instanceof HTMLFormElement && event.target.method === 'dialog') return;
    event.preventDefault();
    page.focusHeading();
    void line.join();
  });
  setInterval(show, TICK_MS);
  await line.ask();
}
