import { isArray, isObject, literal, readElements, readMembers, type Span } from './spans.js';
import { isJsonObject, type Json } from './value.js';

/**
 * Writes parts of a parsed text as they were written: a client's `1.0`, `1e3` or 9007199254740993 stays what it is, where
 * printing the parsed value would change it.
 */
export class SourceText {
  readonly #places = new Map<Json, { readonly bytes: Buffer; readonly span: Span }>();

  /** @param value what the object or array that starts at `start` was parsed to */
  add(bytes: Buffer, start: number, value: Json): void {
    if (Array.isArray(value) && isArray(bytes, { start })) {
      readElements(bytes, start).forEach((span, at) => this.place(bytes, span, value[at]));
    } else if (isJsonObject(value) && isObject(bytes, { start })) {
      for (const member of readMembers(bytes, start)) {
        if (Object.hasOwn(value, member.key)) this.place(bytes, member.value, value[member.key]);
      }
    }
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

  /** The value of a span, itself included; a value that is no object or array has no place. */
  place(bytes: Buffer, span: Span, value: Json | undefined): void {
    if (typeof value !== 'object' || value === null) return;
    this.#places.set(value, { bytes, span });
    this.add(bytes, span.start, value);
  }
}
