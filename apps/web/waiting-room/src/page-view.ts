import { HEX_COLOUR, type PageColours, type PageConfig, type PlaceView } from '@flux/waiting-room-page';

/** The parts of `page.html` by what its attributes say. Changes only what differs, so that readers are not disturbed. */
export class Page {
  private milestone: string | undefined;

  constructor(private readonly root: Document) {}

  show(view: PlaceView, links: Readonly<Record<string, string>>): void {
    const { body } = this.root;
    this.root.title = view.title;
    body.dataset['tone'] = view.tone;
    body.toggleAttribute('data-stale', view.stale);
    const hadFocus = this.root.activeElement;
    const values: Readonly<Record<string, string | undefined>> = {
      ...view.slots,
      ...links,
      progress: view.progress?.toString(),
    };
    for (const element of this.root.querySelectorAll<HTMLElement>('[data-text],[data-show]')) {
      fill(element, values);
    }
    // The focus must not fall off the page with the button that had it.
    if (hadFocus instanceof HTMLElement && hadFocus.closest('[hidden]') !== null) this.focusHeading();
    this.announce(view);
  }

  focusHeading(): void {
    this.part('heading').focus();
  }

  /** The shop's own looks. Colours go through the object model, which a strict content security policy allows. */
  dress({ colours }: PageConfig, dark: boolean): void {
    const chosen: PageColours = (dark ? colours?.dark : colours?.light) ?? {};
    const { style } = this.root.documentElement;
    for (const name of ['accent', 'onAccent', 'background', 'surface', 'text', 'muted'] as const) {
      const colour = chosen[name];
      if (colour !== undefined && HEX_COLOUR.test(colour)) style.setProperty(`--${name}`, colour);
      else style.removeProperty(`--${name}`);
    }
  }

  part(id: string): HTMLElement {
    const element = this.root.getElementById(id);
    if (element === null) throw new Error(`the page has no #${id}`);
    return element;
  }

  private announce({ milestone, announcement }: PlaceView): void {
    if (milestone === this.milestone) return;
    this.milestone = milestone;
    this.part('announcer').textContent = announcement;
  }
}

function fill(element: HTMLElement, values: Readonly<Record<string, string | undefined>>): void {
  const { text, show, href, src, value } = element.dataset;
  const shown = values[show ?? text ?? ''];
  element.hidden = shown === undefined;
  if (text !== undefined && element.textContent !== (shown ?? '')) element.textContent = shown ?? '';
  for (const [name, key] of Object.entries({ href, src, value })) {
    const wanted = values[key ?? ''];
    if (wanted !== undefined && element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
  }
}
