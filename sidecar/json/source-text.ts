import { isArray, isObject, literal, skipSpace, skipValue, walkElements, walkMembers, type Span } from './spans.js';
import { isJsonObject, type Json } from './value.js';

/**
 * Writes parts of a parsed text as they were written: a client's `1.0`, `1e3` or 9007199254740993 stays what it is, where
 * printing the parsed value would change it.
 */
export class SourceText {
  readonly #places = new Map<Json, { readonly bytes: Buffer; readonly span: Span }>();

  /**
   * Remembers where a value stands, and all that is in it; each part of the text is walked once. Gives where it ends.
   * @param value what the text at `at` was parsed to
   */
  place(bytes: Buffer, at: number, value: Json | undefined): number {
    const start = skipSpace(bytes, at);
    let end: number;
    if (Array.isArray(value) && isArray(bytes, { start })) {
      let next = 0;
      end = walkElements(bytes, start, (element) => this.place(bytes, element, value[next++]));
    } else if (isJsonObject(value) && isObject(bytes, { start })) {
      const read = (key: string, member: number): number => this.place(bytes, member, Object.hasOwn(value, key) ? value[key] : undefined);
      end = walkMembers(bytes, start, [], read);
    } else return skipValue(bytes, start);
    this.#places.set(value, { bytes, span: { start, end } });
    return end;
  }

  /** The bytes of an object or array of a parsed text; anything else is printed, with what it holds of one as it was. */
  write(value: Json): string {
    const place = this.#places.get(value);
    if (place) return literal(place.bytes, place.span);
    if (Array.isArray(value)) return `[${value.map((item) => this.write(item)).join(',')}]`;
    if (!isJsonObject(value)) return JSON.stringify(value);
    const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${this.write(item)}`);
    return `{${members.join(',')}}`;
  }
}
