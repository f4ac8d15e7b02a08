/**
 * JSON with its text kept: every value knows the bytes it was written in, so that numbers beyond double precision, the
 * order of members and members that repeat can be compared. Written for the compatibility suite alone, apart from the
 * sidecar's own reader, so that one can't hide a fault of the other.
 */
export type JsonText = ObjectText | ArrayText | LiteralText;

export interface ObjectText {
  readonly kind: 'object';
  readonly text: string;
  readonly members: readonly MemberText[];
}

export interface ArrayText {
  readonly kind: 'array';
  readonly text: string;
  readonly items: readonly JsonText[];
}

export interface LiteralText {
  readonly kind: 'literal';
  readonly text: string;
}

export interface MemberText {
  /** Decoded. */
  readonly key: string;
  /** As written, quotes included. */
  readonly keyText: string;
  readonly value: JsonText;
}

/** Throws `SyntaxError` on text that is no JSON. */
export function readJson(text: string): JsonText {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

/** The first member of that name; null where there is none, or the value is no object. */
export function memberOf(value: JsonText | null, key: string): JsonText | null {
  return value?.kind === 'object' ? (value.members.find((member) => member.key === key)?.value ?? null) : null;
}

/** Down through objects. */
export function valueAt(value: JsonText, ...path: readonly string[]): JsonText | null {
  return path.reduce<JsonText | null>((node, key) => memberOf(node, key), value);
}

export function itemsOf(value: JsonText | null): readonly JsonText[] {
  return value?.kind === 'array' ? value.items : [];
}

/** A string's content; the text of any other value. */
export function plainText(value: JsonText | null): string {
  if (value === null) return '';
  return value.text.startsWith('"') ? String(JSON.parse(value.text)) : value.text;
}

/** The text again, without the blanks between its parts, with what `edit` gives in place of a value; null drops the member, undefined goes deeper. */
export function rewrite(value: JsonText, edit: (value: JsonText, key: string | null) => string | null | undefined): string {
  const visit = (node: JsonText, key: string | null): string | null => {
    const edited = edit(node, key);
    if (edited !== undefined) return edited;
    if (node.kind === 'literal') return node.text;
    const inner =
      node.kind === 'array'
        ? node.items.map((item) => visit(item, null))
        : node.members.map((member) => {
            const text = visit(member.value, member.key);
            return text === null ? null : `${member.keyText}:${text}`;
          });
    const kept = inner.filter((text) => text !== null);
    return node.kind === 'array' ? `[${kept.join(',')}]` : `{${kept.join(',')}}`;
  };
  return visit(value, null) ?? '';
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): JsonText {
    this.#space();
    const start = this.#at;
    const first = this.#text[start];
    if (first === '{') {
      const members = this.#list('}', () => this.#member());
      return { kind: 'object', text: this.#since(start), members };
    }
    if (first === '[') {
      const items = this.#list(']', () => this.value());
      return { kind: 'array', text: this.#since(start), items };
    }
    this.#match(first === '"' ? STRING : LITERAL);
    return { kind: 'literal', text: this.#since(start) };
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail();
  }

  #member(): MemberText {
    this.#space();
    const start = this.#at;
    this.#match(STRING);
    const keyText = this.#since(start);
    this.#space();
    this.#expect(':');
    return { key: String(JSON.parse(keyText)), keyText, value: this.value() };
  }

  #list<T>(close: string, readOne: () => T): T[] {
    this.#at += 1;
    const list: T[] = [];
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return list;
    }
    for (;;) {
      list.push(readOne());
      this.#space();
      if (this.#text[this.#at] === close) {
        this.#at += 1;
        return list;
      }
      this.#expect(',');
    }
  }

  #match(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) this.#fail();
    else this.#at = pattern.lastIndex;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail();
    this.#at += 1;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #since(start: number): string {
    return this.#text.slice(start, this.#at);
  }

  #fail(): never {
    throw new SyntaxError(`no JSON at ${this.#at}: ${this.#text.slice(Math.max(0, this.#at - 20), this.#at + 20)}`);
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const LITERAL = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y;
