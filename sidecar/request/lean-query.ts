import { applyEdits, cutMembers, isArray, isObject, skipValue, walkElements, walkMembers, type Edit, type Member } from '../json/spans.js';

/** Clauses whose `inner_hits` show what matched inside a hit. */
const SHOWING_CLAUSES = new Set(['nested', 'has_child', 'has_parent']);

/**
 * The text of a query without the `inner_hits` of its clauses: a lean leg shows nothing, some 200 hits' worth of them cost
 * more than the leg, and those of `has_child` fail beside `stored_fields: _none_`. The order they do not touch.
 */
export function withoutClauseInnerHits(query: string): string {
  if (!query.includes('"inner_hits"')) return query;
  const bytes = Buffer.from(query);
  const edits: Edit[] = [];
  collectEdits(bytes, 0, edits, false);
  return applyEdits(bytes, edits).toString('utf8');
}

/** @param isShowing it is the body of a clause that shows what matched in it. Gives the end of the value. */
function collectEdits(bytes: Buffer, start: number, edits: Edit[], isShowing: boolean): number {
  if (isArray(bytes, { start })) return walkElements(bytes, start, (element) => collectEdits(bytes, element, edits, false));
  if (!isObject(bytes, { start })) return skipValue(bytes, start);
  const members: Member[] = [];
  const end = walkMembers(bytes, start, members, (key, at) =>
    isShowing && key === 'inner_hits' ? skipValue(bytes, at) : collectEdits(bytes, at, edits, SHOWING_CLAUSES.has(key)),
  );
  if (isShowing) edits.push(...cutMembers(members, (name) => name === 'inner_hits'));
  return end;
}
