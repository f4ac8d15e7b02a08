/**
 * Reads a line that Python's `repr` wrote: dictionaries, lists, strings in either quotes, numbers, True, False, None. The metadata of the
 * 2014 Amazon reviews are such lines, not JSON. @throws SyntaxError with the character at fault
 */
export function parsePythonLiteral(text: string): unknown {
  const reader = new LiteralReader(text);
  const value = reader.readValue();
  reader.expectEnd();
  return value;
}

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['True', true],
  ['False', false],
  ['None', null],
]);
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07', '0': '\0', '\n': '' };
const CODE_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

class LiteralReader {
  #place = 0;

  constructor(readonly text: string) {}

  readValue(): unknown {
    this.#skipBlanks();
    const first = this.text[this.#place];
    if (first === '{') return this.#readMembers();
    if (first === '[') return this.#readList(']');
    if (first === '(') return this.#readList(')');
    // Python 2 writes u'…'.
    if (first === 'u' && /['"]/.test(this.text[this.#place + 1] ?? '')) this.#place += 1;
    if (/['"]/.test(this.text[this.#place] ?? '')) return this.#readString();
    return this.#readWord();
  }

  expectEnd(): void {
    this.#skipBlanks();
    if (this.#place < this.text.length) throw this.#fault('nothing more belongs here');
  }

  #readMembers(): Record<string, unknown> {
    const members: [string, unknown][] = [];
    this.#place += 1;
    while (!this.#takes('}')) {
      const name = this.readValue();
      if (typeof name !== 'string' && typeof name !== 'number') throw this.#fault('a name belongs here');
      if (!this.#takes(':')) throw this.#fault('":" belongs here');
      members.push([String(name), this.readValue()]);
      if (!this.#takes(',') && !this.#isNext('}')) throw this.#fault('"," or "}" belongs here');
    }
    return Object.fromEntries(members);
  }

  #readList(end: string): unknown[] {
    const values: unknown[] = [];
    this.#place += 1;
    while (!this.#takes(end)) {
      values.push(this.readValue());
      if (!this.#takes(',') && !this.#isNext(end)) throw this.#fault(`"," or "${end}" belongs here`);
    }
    return values;
  }

  #readString(): string {
    const quote = this.text[this.#place];
    let value = '';
    for (this.#place += 1; this.text[this.#place] !== quote; this.#place += 1) {
      const character = this.text[this.#place];
      if (character === undefined) throw this.#fault('the text does not end');
      value += character === '\\' ? this.#readEscape() : character;
    }
    this.#place += 1;
    return value;
  }

  #readEscape(): string {
    const kind = this.text[(this.#place += 1)] ?? '';
    const length = CODE_LENGTH[kind];
    if (length === undefined) return ESCAPES[kind] ?? (/['"\\]/.test(kind) ? kind : `\\${kind}`);
    const digits = this.text.slice(this.#place + 1, this.#place + 1 + length);
    if (!/^[0-9a-f]+$/i.test(digits) || digits.length < length) throw this.#fault(`\\${kind} needs ${length} hexadecimal digits`);
    this.#place += length;
    return String.fromCodePoint(Number.parseInt(digits, 16));
  }

  #readWord(): unknown {
    const word = /^[\w.+-]+/.exec(this.text.slice(this.#place))?.[0] ?? '';
    const known = WORDS.has(word) ? WORDS.get(word) : Number(word);
    if (word === '' || (typeof known === 'number' && Number.isNaN(known))) throw this.#fault('a value belongs here');
    this.#place += word.length;
    return known;
  }

  #takes(character: string): boolean {
    if (!this.#isNext(character)) return false;
    this.#place += 1;
    return true;
  }

  #isNext(character: string): boolean {
    this.#skipBlanks();
    return this.text[this.#place] === character;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.text[this.#place] ?? '')) this.#place += 1;
  }

  #fault(what: string): SyntaxError {
    return new SyntaxError(`character ${this.#place + 1}: ${what}`);
  }
}
