import { applyEdits, cutMembers, isObject, readMembers, type Edit } from '../json/spans.js';
import { isJsonObject, type JsonObject } from '../json/value.js';

/** Members of `ext` that the engine is not to see. */
export const OWN_KEYS: ReadonlySet<string> = new Set(['fuserank']);
export const OWN_AND_UBI: ReadonlySet<string> = new Set(['fuserank', 'ubi']);

/** Edits that take members of `ext` (and an `ext` that is then empty) and a `fuserank` beside it out of the object that starts at `at`. */
export function ownMemberEdits(bytes: Buffer, at = 0, keys = OWN_KEYS): Edit[] {
  const members = readMembers(bytes, at);
  const edits: Edit[] = [];
  let dropExt = false;
  for (const member of members) {
    if (member.key !== 'ext' || !isObject(bytes, member.value)) continue;
    const inner = readMembers(bytes, member.value.start);
    if (!inner.some((each) => keys.has(each.key))) continue;
    if (inner.every((each) => keys.has(each.key))) dropExt = true;
    else edits.push(...cutMembers(inner, (key) => keys.has(key)));
  }
  edits.push(...cutMembers(members, (key) => key === 'fuserank' || (dropExt && key === 'ext')));
  return edits;
}

/** The body without those members, every other byte as it was; the same bytes where it has none. */
export function stripOwnMembers(bytes: Buffer, keys = OWN_KEYS): Buffer {
  if (![...keys].some((key) => bytes.includes(key))) return bytes;
  const edits = ownMemberEdits(bytes, 0, keys);
  return edits.length === 0 ? bytes : applyEdits(bytes, edits);
}

/** The same of a text that is too deep to be parsed, one object or one a line; as it is where it can't be read. */
export function stripUnparsed(bytes: Buffer, written: 'json' | 'lines' = 'json'): Buffer {
  if (!bytes.includes('fuserank')) return bytes;
  try {
    const edits = written === 'json' ? ownMemberEdits(bytes) : lineStarts(bytes).flatMap((at) => ownMemberEdits(bytes, at));
    return edits.length === 0 ? bytes : applyEdits(bytes, edits);
  } catch {
    return bytes;
  }
}

/** Where lines begin that may hold our members. */
function lineStarts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf('fuserank'); at >= 0;) {
    starts.push(bytes.lastIndexOf('\n', at) + 1);
    const end = bytes.indexOf('\n', at);
    at = end < 0 ? end : bytes.indexOf('fuserank', end);
  }
  return starts;
}

/** The same of a parsed body. */
export function withoutOwnMembers(body: JsonObject, keys = OWN_KEYS): JsonObject {
  const { fuserank: _own, ext, ...rest } = body;
  if (!isJsonObject(ext)) return ext === undefined ? rest : { ...rest, ext };
  const others = Object.fromEntries(Object.entries(ext).filter(([key]) => !keys.has(key)));
  return Object.keys(others).length === 0 ? rest : { ...rest, ext: others };
}
