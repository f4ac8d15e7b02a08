import { asList, isJsonObject, type Json } from '../json/value.js';
import { DEEPEST_CLAUSE, unwrapClause } from './text-clauses.js';

/**
 * Every query type of OpenSearch 3.6 with k-NN and neural-search, and what it means for a vector leg.
 *
 * - `constraint`: admits or refuses a document; stays as it is. The scoring-only ones (`rank_feature`,
 *   `distance_feature`) admit what has the field at all, span queries look for terms and not for typed words.
 * - `text`: looks for words. The shopper's words are taken out, others stay as a constraint.
 * - `wrapper`: understood as far as the clauses in it are.
 * - absent (`hybrid`, `knn`, `neural_knn`, `template`, `agentic`, `sltr`, …): not understood, no leg is built around it.
 */
const CLAUSE_KINDS: Readonly<Record<string, 'constraint' | 'text' | 'wrapper'>> = {
  term: 'constraint',
  terms: 'constraint',
  terms_set: 'constraint',
  range: 'constraint',
  exists: 'constraint',
  ids: 'constraint',
  prefix: 'constraint',
  wildcard: 'constraint',
  regexp: 'constraint',
  fuzzy: 'constraint',
  script: 'constraint',
  match_all: 'constraint',
  match_none: 'constraint',
  geo_distance: 'constraint',
  geo_bounding_box: 'constraint',
  geo_polygon: 'constraint',
  geo_shape: 'constraint',
  xy_shape: 'constraint',
  parent_id: 'constraint',
  percolate: 'constraint',
  rank_feature: 'constraint',
  distance_feature: 'constraint',
  span_term: 'constraint',
  span_near: 'constraint',
  span_or: 'constraint',
  span_not: 'constraint',
  span_first: 'constraint',
  span_multi: 'constraint',
  span_containing: 'constraint',
  span_within: 'constraint',
  span_field_masking: 'constraint',
  field_masking_span: 'constraint',
  match: 'text',
  match_phrase: 'text',
  match_phrase_prefix: 'text',
  match_bool_prefix: 'text',
  multi_match: 'text',
  combined_fields: 'text',
  query_string: 'text',
  simple_query_string: 'text',
  common: 'text',
  intervals: 'text',
  more_like_this: 'text',
  neural: 'text',
  neural_sparse: 'text',
  bool: 'wrapper',
  dis_max: 'wrapper',
  function_score: 'wrapper',
  script_score: 'wrapper',
  constant_score: 'wrapper',
  boosting: 'wrapper',
  nested: 'wrapper',
  has_child: 'wrapper',
  has_parent: 'wrapper',
  wrapper: 'wrapper',
};

/** Members of a wrapper that hold clauses. */
const CHILDREN: Readonly<Record<string, readonly string[]>> = {
  bool: ['must', 'filter', 'should', 'must_not', 'mustNot'],
  dis_max: ['queries'],
  function_score: ['query'],
  script_score: ['query'],
  constant_score: ['filter'],
  boosting: ['positive', 'negative'],
  nested: ['query'],
  has_child: ['query'],
  has_parent: ['query'],
};

export function kindOf(type: string): 'constraint' | 'text' | 'wrapper' | null {
  return Object.hasOwn(CLAUSE_KINDS, type) ? (CLAUSE_KINDS[type] ?? null) : null;
}

/**
 * The first type in a tree that is not understood; null where all are. A `neural` clause beside the words is a retriever
 * of its own, whose k nearest are no property of a document.
 */
export function findForeignType(query: Json, depth = 0): string | null {
  if (depth > DEEPEST_CLAUSE) return 'nested too deep';
  if (!isJsonObject(query)) return 'that is no object';
  for (const [type, body] of Object.entries(query)) {
    const kind = kindOf(type);
    if (kind === null || type === 'neural') return type;
    if (kind !== 'wrapper') continue;
    const children =
      type === 'wrapper'
        ? [unwrapClause(body).query]
        : (CHILDREN[type] ?? []).flatMap((name) => asList(isJsonObject(body) ? body[name] : null));
    for (const child of children) {
      const foreign = findForeignType(child, depth + 1);
      if (foreign !== null) return foreign;
    }
  }
  return null;
}

/** True where any clause of the tree, at any depth, is of that type; also where the tree is too deep to tell. */
export function hasClause(query: Json | undefined, type: string, depth = 0): boolean {
  if (depth > 2 * DEEPEST_CLAUSE) return true;
  if (Array.isArray(query)) return query.some((item) => hasClause(item, type, depth + 1));
  if (!isJsonObject(query)) return false;
  return Object.entries(query).some(
    ([key, value]) =>
      key === type || (key === 'wrapper' ? hasClause(unwrapClause(value).query, type, depth + 1) : hasClause(value, type, depth + 1)),
  );
}
