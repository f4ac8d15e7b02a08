/** One step of a path: a member's name or an array's position. */
type Step = string | number;
type Lookup = readonly Step[];

/**
 * A place in a product: `title`, `attributes.colour`, `images[0]`; or, with braces, text around such places:
 * `{images[0]}.jpg`, `https://cdn.example/{sku}/front.png`.
 */
export interface FieldPath {
  readonly text: string;
  /** The places that are looked up: the path itself, or those inside a pattern's braces. In a table each must be a column. */
  readonly places: readonly string[];
  /** Plain path: the value itself. Pattern: a string, or undefined when one of its places is empty. */
  read(fields: Readonly<Record<string, unknown>>): unknown;
}

/** @throws Error with the text at fault when the path cannot be read */
export function parseFieldPath(text: string): FieldPath {
  if (!text.includes('{')) {
    const lookup = parseLookup(text);
    return { text, places: [text], read: (fields) => lookUp(fields, text, lookup) };
  }
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const pieces = parts.map((part) => {
    if (part.startsWith('{')) return { path: part.slice(1, -1), lookup: parseLookup(part.slice(1, -1)) };
    if (/[{}]/.test(part)) throw new Error(`"${text}" has an unpaired brace; a pattern looks like {images[0]}.jpg`);
    return part;
  });
  return {
    text,
    places: pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.path])),
    read(fields) {
      let whole = '';
      for (const piece of pieces) {
        if (typeof piece === 'string') {
          whole += piece;
          continue;
        }
        const value = readFirstText(lookUp(fields, piece.path, piece.lookup));
        if (value === null) return undefined;
        whole += value;
      }
      return whole;
    },
  };
}

function parseLookup(text: string): Lookup {
  if (!/^[^.[\]{}]+(\.[^.[\]{}]+|\[\d+\])*$/.test(text)) {
    throw new Error(`"${text}" is not a field; write it like title, attributes.colour or images[0]`);
  }
  return [...text.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) => (match[1] === undefined ? match[0] : Number(match[1])));
}

function lookUp(fields: Readonly<Record<string, unknown>>, text: string, lookup: Lookup): unknown {
  // A column may be called "attributes.colour" outright.
  if (Object.hasOwn(fields, text)) return fields[text];
  let value: unknown = fields;
  for (const step of lookup) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined;
    if (value === undefined || value === null) return undefined;
  }
  return value;
}

/**
 * Whether the engine would find anything under a name: it looks into every object of a list, and a dot may part members or
 * belong to one's name.
 */
export function holdsField(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((part) => holdsField(part, name));
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, name) && !isEmpty(Reflect.get(value, name))) return true;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const member = name.slice(0, dot);
    if (Object.hasOwn(value, member) && holdsField(Reflect.get(value, member), name.slice(dot + 1))) return true;
  }
  return false;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isEmpty);
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** Any scalar, or the first of a list, as trimmed text; null when there is none. */
export function readFirstText(value: unknown): string | null {
  if (Array.isArray(value)) return value.length === 0 ? null : readFirstText(value[0]);
  const text = typeof value === 'string' ? value.trim() : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  return text === '' ? null : text;
}

/** All text of a value: a scalar as it is, a list joined by ", "; objects hold no text of their own. Null when there is none. */
export function readJoinedText(value: unknown): string | null {
  if (!Array.isArray(value)) return readFirstText(value);
  const parts = value.map(readFirstText).filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}
