/** Markup that may stand in a page as it is. Only `markup` and `trusted` make it. */
export class Markup {
  constructor(readonly text: string) {}
}

type Value = Markup | string | number | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * HTML or SVG with values in it: texts are escaped, for elements and for quoted attributes; other markup stands as it
 * is. Not called `html`, for Prettier would format what is meant to the byte.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const texts = values.map((value, index) => `${written(value)}${parts[index + 1] ?? ''}`);
  return new Markup(`${parts[0] ?? ''}${texts.join('')}`);
}

/** A constant of the program's own, such as a style sheet: never a text from outside. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function written(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
