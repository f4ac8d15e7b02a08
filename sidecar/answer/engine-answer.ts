import { PRODUCT } from '../../mappings/product-index.js';
import {
  findMember,
  isArray,
  isObject,
  literal,
  readElements,
  readMembers,
  readRepeated,
  readString,
  walkElements,
  walkMembers,
  type Member,
  type Span,
} from '../json/spans.js';

/** One hit of an engine answer, by its place in the bytes. */
export interface Hit {
  readonly span: Span;
  readonly members: readonly Member[];
  readonly index: string;
  /** `_id`, else our keyword copy of it (lean legs read no stored fields). */
  readonly id: string;
  readonly seqNo: number | null;
  /** `_score` as the engine wrote it; null where it wrote none. */
  readonly score: Span | null;
}

/** A search answer of the engine, as bytes, with the places of what ranking touches. */
export interface EngineAnswer {
  readonly bytes: Buffer;
  readonly hits: readonly Hit[];
  /** The array of hits, brackets included. */
  readonly hitsSpan: Span;
  /** `hits.total` as a number: its value and where it is written; null where totals are off. */
  readonly total: { readonly value: number; readonly span: Span; readonly relation: string } | null;
  readonly took: Span | null;
  /** Some shards failed or the search timed out: hits may be lacking. */
  readonly partial: boolean;
  /** End of the last top-level member, where `ext` can be appended; and `ext` itself, if there. */
  readonly members: readonly Member[];
}

/** Key of a hit among all indices of a list. */
export function hitKey(hit: { readonly index: string; readonly id: string }): string {
  return `${hit.index}\0${hit.id}`;
}

/**
 * Reads a search answer. Returns null where it is none (no `hits.hits`).
 * Throws `MalformedJson` on broken bytes.
 */
export function readAnswer(bytes: Buffer): EngineAnswer | null {
  const members: Member[] = [];
  const inner: Member[] = [];
  const lists: Hit[][] = [];
  const readList = (start: number): number => {
    const list: Hit[] = [];
    const end = walkElements(bytes, start, (at) => {
      const hit = readHit(bytes, at);
      list.push(hit);
      return hit.span.end;
    });
    lists.push(list);
    return end;
  };
  // Of members that repeat, the first counts; the hits are read on the way, since they are nearly all of the text.
  walkMembers(bytes, 0, members, (key, start) => {
    if (key !== 'hits' || inner.length > 0 || !isObject(bytes, { start })) return null;
    return walkMembers(bytes, start, inner, (name, at) =>
      name === 'hits' && lists.length === 0 && isArray(bytes, { start: at }) ? readList(at) : null,
    );
  });
  const list = inner.find((member) => member.key === 'hits');
  const [hits] = lists;
  if (!list || !hits) return null;
  const total = inner.find((member) => member.key === 'total');
  return {
    bytes,
    hits,
    hitsSpan: list.value,
    total: total ? readTotal(bytes, total.value) : null,
    took: members.find((member) => member.key === 'took')?.value ?? null,
    partial: isPartial(bytes, members),
    members,
  };
}

function isPartial(bytes: Buffer, members: readonly Member[]): boolean {
  const timedOut = members.find((member) => member.key === 'timed_out');
  const shards = members.find((member) => member.key === '_shards');
  const failed = shards && isObject(bytes, shards.value) ? findMember(bytes, shards.value.start, 'failed') : null;
  return (timedOut !== undefined && literal(bytes, timedOut.value) === 'true') || (failed !== null && literal(bytes, failed.value) !== '0');
}

function readHit(bytes: Buffer, start: number): Hit {
  const members: Member[] = [];
  const span = { start, end: walkMembers(bytes, start, members) };
  const value = (name: string): Span | null => members.find((member) => member.key === name)?.value ?? null;
  const index = value('_index');
  const id = value('_id');
  const score = value('_score');
  const seqNo = value('_seq_no');
  return {
    span,
    members,
    index: index ? readRepeated(bytes, index) : '',
    id: id ? readString(bytes, id) : (readRankKey(bytes, value('fields')) ?? ''),
    seqNo: seqNo ? Number(literal(bytes, seqNo)) : null,
    score: score && literal(bytes, score) !== 'null' ? score : null,
  };
}

function readRankKey(bytes: Buffer, fields: Span | null): string | null {
  return fields ? firstFieldValue(bytes, fields, PRODUCT.rankKey) : null;
}

/** The first value of a member of `fields`, as text: a decoded string, or a number's literal. */
function firstFieldValue(bytes: Buffer, fields: Span, name: string): string | null {
  const member = findMember(bytes, fields.start, name);
  const first = member && isArray(bytes, member.value) ? readElements(bytes, member.value.start)[0] : undefined;
  if (!first) return null;
  return bytes[first.start] === 0x22 ? readString(bytes, first) : literal(bytes, first);
}

/** The first value of a hit's field, such as the one it is collapsed on; null where there is none. */
export function fieldValue(bytes: Buffer, hit: Hit, field: string): string | null {
  const fields = hit.members.find((member) => member.key === 'fields');
  return fields ? firstFieldValue(bytes, fields.value, field) : null;
}

function readTotal(bytes: Buffer, span: Span): EngineAnswer['total'] {
  if (!isObject(bytes, span)) return { value: Number(literal(bytes, span)), span, relation: 'eq' };
  const members = readMembers(bytes, span.start);
  const value = members.find((member) => member.key === 'value');
  const relation = members.find((member) => member.key === 'relation');
  if (!value) return null;
  return { value: Number(literal(bytes, value.value)), span: value.value, relation: relation ? readString(bytes, relation.value) : 'eq' };
}
