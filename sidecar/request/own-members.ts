import { applyEdits, cutMembers, isObject, readMembers, type Edit } from '../json/spans.js';
import { isJsonObject, type JsonObject } from '../json/value.js';

/** Members of `ext` that the engine is not to see. */
export const OWN_KEYS: ReadonlySet<string> = new Set(['fuserank']);
export const OWN_AND_UBI: ReadonlySet<string> = new Set(['fuserank', 'ubi']);

/** Takes members out of `ext` (and an `ext` that is then empty) and a top-level `fuserank` out, byte-exactly. */
export function stripOwnMembers(bytes: Buffer, keys: ReadonlySet<string>): { bytes: Buffer } {
  if (bytes.length === 0 || ![...keys].some((key) => bytes.includes(key))) return { bytes };
  const members = readMembers(bytes);
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
  return { bytes: applyEdits(bytes, edits) };
}

/** The same of a parsed body. */
export function withoutOwnMembers(body: JsonObject, keys: ReadonlySet<string>): JsonObject {
  const { fuserank: _own, ext, ...rest } = body;
  if (!isJsonObject(ext)) return ext === undefined ? rest : { ...rest, ext };
  const others = Object.fromEntries(Object.entries(ext).filter(([key]) => !keys.has(key)));
  return Object.keys(others).length === 0 ? rest : { ...rest, ext: others };
}
