import { OWN_SOURCE_FIELDS } from '../mappings/product-index.js';
import { hitKey, type EngineAnswer, type Hit } from './answer/engine-answer.js';
import type { Json } from './json/value.js';
import { applyEdits, cutMembers, isArray, isObject, readElements, readMembers, type Edit, type Span } from './json/spans.js';

/** One place of the page: whose bytes, and the `_score` literal it is dealt. */
export interface PageHit {
  readonly bytes: Buffer;
  readonly hit: Hit;
  /** Null leaves the hit's own. */
  readonly scoreLiteral: string | null;
  /** Becomes `fields._fuserank`; null = none. */
  readonly explanation: Json | null;
}

export interface PageOptions {
  /** Our members of `_source` that the client asked for by name; they stay. */
  readonly keepFields: ReadonlySet<string>;
  /** Milliseconds of the whole search, ours included. */
  readonly tookMs: number;
  /** Hits of a list that some were added to: so many exist at least, whatever the engine counted. 0 = none were added, its total stands. */
  readonly listLength: number;
  /** Becomes `ext.fuserank`; null = none. */
  readonly ext: Json | null;
}

/**
 * The answer: the client's own, with its hits replaced by the page. Totals below the list's length, `took` and the dealt
 * scores are rewritten; our members are cut; every other byte is the engine's. Pure.
 */
export function mergePage(answer: EngineAnswer, page: readonly PageHit[], options: PageOptions): Buffer {
  const hits = page.map((each) => renderHit(each, options.keepFields));
  const edits: Edit[] = [{ ...answer.hitsSpan, replacement: Buffer.concat([Buffer.from('['), ...joined(hits), Buffer.from(']')]) }];
  edits.push(...aroundTheHits(answer, options.keepFields));
  if (answer.took) edits.push({ ...answer.took, replacement: String(Math.max(0, Math.round(options.tookMs))) });
  if (answer.total && answer.total.value < options.listLength) {
    edits.push({ ...answer.total.span, replacement: String(options.listLength) });
  }
  if (options.ext !== null) edits.push(extEdit(answer, options.ext));
  return applyEdits(answer.bytes, edits);
}

/** The engine's own answer with only our members cut, byte-exactly. */
export function cutOwnMembers(answer: EngineAnswer, keepFields: ReadonlySet<string>): Buffer {
  const edits = [...answer.hits.flatMap((hit) => ownMemberEdits(answer.bytes, hit, keepFields)), ...aroundTheHits(answer, keepFields)];
  return applyEdits(answer.bytes, edits);
}

function renderHit(page: PageHit, keepFields: ReadonlySet<string>): Buffer {
  const { bytes, hit } = page;
  const edits = ownMemberEdits(bytes, hit, keepFields);
  if (page.scoreLiteral !== null) {
    if (hit.score) edits.push({ ...hit.score, replacement: page.scoreLiteral });
    else {
      const score = hit.members.find((member) => member.key === '_score');
      if (score) edits.push({ ...score.value, replacement: page.scoreLiteral });
    }
  }
  if (page.explanation !== null) edits.push(explanationEdit(bytes, hit, page.explanation, edits));
  return applyEdits(bytes, edits, hit.span);
}

/** Vectors, hash and keys in `_source` and `fields`, also of the hits inside a hit. */
function ownMemberEdits(bytes: Buffer, hit: Hit, keepFields: ReadonlySet<string>): Edit[] {
  return hit.members.flatMap(({ key, value }) => {
    if (key === '_source' || key === 'fields') return cutFrom(bytes, value, keepFields);
    return key === 'inner_hits' ? cutBelow(bytes, value, keepFields) : [];
  });
}

/** Hits also stand in `top_hits` aggregations and completion suggestions. */
function aroundTheHits(answer: EngineAnswer, keepFields: ReadonlySet<string>): Edit[] {
  return answer.members
    .filter(({ key }) => key === 'aggregations' || key === 'suggest')
    .flatMap(({ value }) => cutBelow(answer.bytes, value, keepFields));
}

/** Cuts from every `_source` and `fields` of a tree; a tree that does not name us is not walked. */
function cutBelow(bytes: Buffer, span: Span, keepFields: ReadonlySet<string>): Edit[] {
  const text = bytes.subarray(span.start, span.end);
  if (!OWN_SOURCE_FIELDS.some((field) => text.includes(`"${field}"`))) return [];
  if (isArray(bytes, span)) return readElements(bytes, span.start).flatMap((element) => cutBelow(bytes, element, keepFields));
  if (!isObject(bytes, span)) return [];
  return readMembers(bytes, span.start).flatMap(({ key, value }) =>
    key === '_source' || key === 'fields' ? cutFrom(bytes, value, keepFields) : cutBelow(bytes, value, keepFields),
  );
}

function cutFrom(bytes: Buffer, object: Span, keepFields: ReadonlySet<string>): Edit[] {
  if (!isObject(bytes, object)) return [];
  return cutMembers(readMembers(bytes, object.start), (key) => OWN_SOURCE_FIELDS.includes(key) && !keepFields.has(key));
}

function explanationEdit(bytes: Buffer, hit: Hit, explanation: Json, edits: readonly Edit[]): Edit {
  const text = `"_fuserank":[${JSON.stringify(explanation)}]`;
  const fields = hit.members.find((member) => member.key === 'fields');
  const end = hit.span.end - 1;
  if (!fields) return { start: end, end, replacement: `,"fields":{${text}}` };
  const inner = readMembers(bytes, fields.value.start);
  const left = inner.filter((member) => !edits.some((edit) => edit.start <= member.start && member.start < edit.end));
  const at = fields.value.end - 1;
  return { start: at, end: at, replacement: left.length === 0 ? text : `,${text}` };
}

function extEdit(answer: EngineAnswer, ext: Json): Edit {
  const text = `"fuserank":${JSON.stringify(ext)}`;
  const existing = answer.members.find((member) => member.key === 'ext');
  if (existing && isObject(answer.bytes, existing.value)) {
    const at = existing.value.end - 1;
    const empty = readMembers(answer.bytes, existing.value.start).length === 0;
    return { start: at, end: at, replacement: empty ? text : `,${text}` };
  }
  const last = answer.members.at(-1);
  const at = last ? last.value.end : 1;
  return { start: at, end: at, replacement: `${last ? ',' : ''}"ext":{${text}}` };
}

function joined(parts: readonly Buffer[]): Buffer[] {
  const comma = Buffer.from(',');
  return parts.flatMap((part, place) => (place === 0 ? [part] : [comma, part]));
}

/** `a\0b` keys of the hits an answer holds, for looking bodies up. */
export function indexHits(answer: EngineAnswer): Map<string, { bytes: Buffer; hit: Hit }> {
  return new Map(answer.hits.map((hit) => [hitKey(hit), { bytes: answer.bytes, hit }]));
}
