import { chooseLanguage, type PageConfig } from '@flux/waiting-room-page';
import type { Page } from './page-view';
import type { Store } from './store';

const KEY = 'flux-language';

/** The shopper's language: what was chosen on the page before, else what the browser asks for. */
export function languageOf(config: PageConfig, store: Store, wanted: readonly string[]): string {
  const chosen = store.get(KEY);
  return chooseLanguage(config, chosen === undefined ? wanted : [chosen, ...wanted]);
}

/** Offers the languages that there are, each by its own name. */
export function offerLanguages({
  page,
  config,
  store,
  onChoice,
}: {
  readonly page: Page;
  readonly config: PageConfig;
  readonly store: Store;
  readonly onChoice: (language: string) => void;
}): void {
  const select = page.part('language') as HTMLSelectElement;
  const languages = Object.keys(config.texts);
  select.replaceChildren(...languages.map((language) => new Option(nameOf(language), language)));
  select.onchange = () => {
    store.set(KEY, select.value);
    onChoice(select.value);
  };
  if (languages.length < 2) select.form?.remove();
}

function nameOf(language: string): string {
  return new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;
}
