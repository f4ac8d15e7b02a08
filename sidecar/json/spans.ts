/**
 * Where the values of a JSON text lie, in bytes. The engine's answer travels through us as bytes (numbers above 2^53,
 * key order, duplicate keys and escapes survive), so ranking moves spans around instead of objects.
 * The text is expected to be valid JSON; anything else ends in a `MalformedJson`.
 */
export interface Span {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface Member {
  readonly key: string;
  /** Position of the key's opening quote. */
  readonly start: number;
  readonly value: Span;
}

export class MalformedJson extends Error {
  constructor(at: number) {
    super(`not valid JSON at byte ${at}`);
    this.name = 'MalformedJson';
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** The members of the object that starts at `at` (white space before it allowed), in order, duplicates included. */
export function readMembers(text: Buffer, at = 0): Member[] {
  const members: Member[] = [];
  walkMembers(text, at, members);
  return members;
}

/** The elements of the array that starts at `at`. */
export function readElements(text: Buffer, at: number): Span[] {
  const elements: Span[] = [];
  walkElements(text, at, (start) => {
    const end = skipValue(text, start);
    elements.push({ start, end });
    return end;
  });
  return elements;
}

/**
 * Walks an object once and adds its members to `members`. `read` may walk a member's value itself, so that nothing is
 * walked twice, and say where it ends; null = it did not. Returns the end of the object.
 */
export function walkMembers(text: Buffer, at: number, members: Member[], read?: (key: string, at: number) => number | null): number {
  let position = skipSpace(text, at);
  expect(text, position, OPEN_OBJECT);
  position = skipSpace(text, position + 1);
  if (text[position] === CLOSE_OBJECT) return position + 1;
  for (;;) {
    expect(text, position, QUOTE);
    const keyEnd = skipString(text, position);
    const key = readRepeated(text, { start: position, end: keyEnd });
    const colon = skipSpace(text, keyEnd);
    expect(text, colon, COLON);
    const start = skipSpace(text, colon + 1);
    const end = read?.(key, start) ?? skipValue(text, start);
    members.push({ key, start: position, value: { start, end } });
    position = skipSpace(text, end);
    if (text[position] === CLOSE_OBJECT) return position + 1;
    expect(text, position, COMMA);
    position = skipSpace(text, position + 1);
  }
}

/** Walks an array once; `read` walks the element that starts at a place and says where it ends. Returns the end of the array. */
export function walkElements(text: Buffer, at: number, read: (at: number) => number): number {
  let position = skipSpace(text, at);
  expect(text, position, OPEN_ARRAY);
  position = skipSpace(text, position + 1);
  if (text[position] === CLOSE_ARRAY) return position + 1;
  for (;;) {
    position = skipSpace(text, read(position));
    if (text[position] === CLOSE_ARRAY) return position + 1;
    expect(text, position, COMMA);
    position = skipSpace(text, position + 1);
  }
}

/** The value of one member, by its last occurrence as JSON.parse would see it; null where there is none. */
export function findMember(text: Buffer, objectAt: number, key: string): Member | null {
  return readMembers(text, objectAt).findLast((member) => member.key === key) ?? null;
}

/** True where an object starts. */
export function isObject(text: Buffer, { start }: Pick<Span, 'start'>): boolean {
  return text[start] === OPEN_OBJECT;
}

/** True where an array starts. */
export function isArray(text: Buffer, { start }: Pick<Span, 'start'>): boolean {
  return text[start] === OPEN_ARRAY;
}

/** The bytes of a span as text, e.g. a number literal as the engine wrote it. */
export function literal(text: Buffer, span: Span): string {
  return text.toString('utf8', span.start, span.end);
}

/** Decoded JSON string of a span that holds one. */
export function readString(text: Buffer, span: Span): string {
  const raw = text.toString('utf8', span.start + 1, span.end - 1);
  if (!raw.includes('\\')) return raw;
  const decoded: unknown = JSON.parse(`"${raw}"`);
  return String(decoded);
}

/** Strings seen so far by a hash of their bytes: the same few names stand in every hit, and decoding each anew costs more than reading the rest. */
const seenStrings = new Map<number, { readonly bytes: Buffer; readonly decoded: string }>();
const MOST_SEEN = 4096;

/** As `readString`, for one that is likely to come again, such as the name of a member. */
export function readRepeated(text: Buffer, { start, end }: Span): string {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (text[i] ?? 0)) | 0;
  const seen = seenStrings.get(hash);
  if (seen && holdsAt(text, start, end, seen.bytes)) return seen.decoded;
  const decoded = readString(text, { start, end });
  if (!seen && seenStrings.size < MOST_SEEN) seenStrings.set(hash, { bytes: Buffer.from(text.subarray(start, end)), decoded });
  return decoded;
}

function holdsAt(text: Buffer, start: number, end: number, bytes: Buffer): boolean {
  if (end - start !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (text[start + i] !== bytes[i]) return false;
  return true;
}

export interface Edit extends Span {
  readonly replacement?: Buffer | string;
}

/** The text with each edit's span replaced (or dropped). Edits must not overlap; their order does not matter. */
export function applyEdits(text: Buffer, edits: readonly Edit[], within: Span = { start: 0, end: text.length }): Buffer {
  if (edits.length === 0) return text.subarray(within.start, within.end);
  const sorted = edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const parts: Buffer[] = [];
  let position = within.start;
  for (const edit of sorted) {
    if (edit.start < position || edit.end > within.end)
      throw new RangeError(`edit ${edit.start}–${edit.end} overlaps another or leaves its span`);
    parts.push(text.subarray(position, edit.start));
    if (edit.replacement !== undefined) parts.push(typeof edit.replacement === 'string' ? Buffer.from(edit.replacement) : edit.replacement);
    position = edit.end;
  }
  parts.push(text.subarray(position, within.end));
  return Buffer.concat(parts);
}

/** Edits that drop members from one object together with the comma that belonged to each; all other bytes stay. */
export function cutMembers(members: readonly Member[], drop: (key: string) => boolean): Edit[] {
  const edits: Edit[] = [];
  let lastKeptEnd: number | null = null;
  let trailing: number | null = null;
  members.forEach((member, index) => {
    if (!drop(member.key)) {
      lastKeptEnd = member.value.end;
      trailing = null;
      return;
    }
    const next = members[index + 1];
    if (next) {
      edits.push({ start: member.start, end: next.start });
      trailing ??= edits.length - 1;
    } else {
      // The last member takes the comma before it along, and so does a run of dropped ones that ends here.
      if (trailing !== null) edits.splice(trailing);
      edits.push({ start: lastKeptEnd ?? members[0]?.start ?? member.start, end: member.value.end });
    }
  });
  return edits;
}

/** True where objects and arrays lie more than `limit` deep in each other: what recursion over such a text must not follow. */
export function nestsDeeper(text: Buffer, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i];
    if (byte === QUOTE) {
      const end = endOfString(text, i);
      if (end === null) return false; // cut off inside a string: no JSON, and no deeper than this
      i = end - 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > limit) return true;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
  }
  return false;
}

/** Where the value ends that starts at `at`. */
export function skipValue(text: Buffer, at: number): number {
  const first = text[at];
  if (first === QUOTE) return skipString(text, at);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
    const flat = first === OPEN_ARRAY ? endOfNumbers(text, at) : null;
    if (flat !== null) return flat;
    let depth = 0;
    for (let i = at; i < text.length; i++) {
      const byte = text[i];
      if (byte === QUOTE) i = skipString(text, i) - 1;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (--depth === 0) return i + 1;
      }
    }
    throw new MalformedJson(at);
  }
  let end = at;
  while (end < text.length && !isDelimiter(text[end])) end++;
  if (end === at) throw new MalformedJson(at);
  return end;
}

/** Shorter arrays are walked byte by byte. */
const LONG_ARRAY = 64;

/** End of a long array with nothing but numbers in it, such as a vector: most of what an answer with vectors is made of. Null for any other. */
function endOfNumbers(text: Buffer, at: number): number | null {
  const second = text[at + 1] ?? 0;
  if (second !== MINUS && (second < ZERO || second > NINE)) return null;
  const close = text.indexOf(CLOSE_ARRAY, at);
  if (close - at < LONG_ARRAY) return null;
  const inside = text.subarray(at + 1, close);
  return inside.includes(QUOTE) || inside.includes(OPEN_ARRAY) ? null : close + 1;
}

/** Strings up to this length are walked byte by byte; for longer ones a native search pays for its call. */
const SHORT_STRING = 48;

function skipString(text: Buffer, at: number): number {
  const end = endOfString(text, at);
  if (end === null) throw new MalformedJson(at);
  return end;
}

function endOfString(text: Buffer, at: number): number | null {
  const short = Math.min(text.length, at + SHORT_STRING);
  let end = at + 1;
  while (end < short && text[end] !== QUOTE) end++;
  for (;;) {
    if (text[end] !== QUOTE) end = text.indexOf(QUOTE, end);
    if (end < 0) return null;
    let slashes = 0;
    while (text[end - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
    end++;
  }
}

export function skipSpace(text: Buffer, at: number): number {
  let position = at;
  while (isSpace(text[position])) position++;
  return position;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte);
}

function expect(text: Buffer, at: number, byte: number): void {
  if (text[at] !== byte) throw new MalformedJson(at);
}
