import { applyEdits, cutMembers, isArray, isObject, readElements, readMembers, type Edit } from '../json/spans.js';
import { DEEPEST_CLAUSE } from './text-clauses.js';

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
  collectEdits(bytes, 0, edits, 0);
  return applyEdits(bytes, edits).toString('utf8');
}

function collectEdits(bytes: Buffer, start: number, edits: Edit[], depth: number): void {
  if (depth > 3 * DEEPEST_CLAUSE) return;
  if (isArray(bytes, { start })) {
    for (const element of readElements(bytes, start)) collectEdits(bytes, element.start, edits, depth + 1);
  }
  if (!isObject(bytes, { start })) return;
  for (const { key, value } of readMembers(bytes, start)) {
    if (!SHOWING_CLAUSES.has(key) || !isObject(bytes, value)) {
      collectEdits(bytes, value.start, edits, depth + 1);
      continue;
    }
    const members = readMembers(bytes, value.start);
    edits.push(...cutMembers(members, (name) => name === 'inner_hits'));
    for (const member of members) if (member.key !== 'inner_hits') collectEdits(bytes, member.value.start, edits, depth + 1);
  }
}
