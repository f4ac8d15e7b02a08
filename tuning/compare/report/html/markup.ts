/** HTML that is safe to put into a page as it is. Only {@link html} makes it. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Piece = Markup | string | number | readonly Piece[];

/** A template whose values are escaped, whatever they hold, unless they are {@link Markup} themselves. */
export function html(fixed: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(fixed.reduce((text, part, place) => text + render(values[place - 1] ?? '') + part));
}

function render(value: Piece): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}

/** Text for an element or a quoted attribute; control characters other than white space become a visible mark. */
export function escapeHtml(text: string): string {
  return text
    .replace(/\p{Cc}/gu, (character) => ('\n\t\r'.includes(character) ? character : '\u{FFFD}'))
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
