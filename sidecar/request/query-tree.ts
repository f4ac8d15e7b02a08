import { asList, isJsonObject, nonEmptyString, type Json, type JsonObject } from '../json/value.js';

/**
 * What a client's query asks for, taken apart: the words it looks for, and everything else that a hit must or must not
 * be. A vector leg looks for the same words by `knn` and keeps the rest as its filter, so that an added hit passes the
 * client's query without its text clause. A tree that is not wholly understood is never guessed at: it gets a reason.
 */
export interface SplitQuery {
  /** The words, as the shopper typed them; null where the tree has no text clause. */
  readonly text: string | null;
  /** The constraints around the words; null where the tree is not understood. */
  readonly constraints: Constraints | null;
  /** Why there are no constraints to build a leg from. */
  readonly reason: string | null;
}

export interface Constraints {
  readonly filter: readonly Json[];
  readonly mustNot: readonly Json[];
}

/** A clause that no text can be taken out of. */
class NotUnderstood extends Error {}

interface Parts {
  readonly texts: readonly string[];
  readonly filter: readonly Json[];
  readonly mustNot: readonly Json[];
}

const NOTHING: Parts = { texts: [], filter: [], mustNot: [] };

/** Clauses that only admit or refuse a document, in any position. */
const CONSTRAINT_CLAUSES = new Set([
  'term',
  'terms',
  'terms_set',
  'range',
  'exists',
  'ids',
  'prefix',
  'wildcard',
  'regexp',
  'fuzzy',
  'geo_distance',
  'geo_bounding_box',
  'geo_polygon',
  'geo_shape',
  'match_none',
]);

/** Splits the query of a search body; undefined (no query) is a match_all. */
export function splitQuery(query: Json | undefined): SplitQuery {
  const text = query === undefined ? null : firstText(query);
  try {
    const parts = query === undefined ? NOTHING : split(query, text);
    return { text, constraints: { filter: parts.filter, mustNot: parts.mustNot }, reason: null };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { text, constraints: null, reason: error.message };
  }
}

function split(query: Json, words: string | null): Parts {
  const [type, body] = onlyClause(query);
  const text = textOfClause(type, body);
  if (text !== null) {
    // A second text clause with other words ("brand: Nike" beside "running shoes") narrows: it stays as a constraint.
    if (text !== words) return { ...NOTHING, filter: [query] };
    if ((type === 'query_string' || type === 'simple_query_string') && hasQuerySyntax(type, text))
      throw new NotUnderstood(`${type} with operators`);
    if (type === 'neural' && !isOnlyWords(body)) throw new NotUnderstood('neural with a filter of its own');
    return { ...NOTHING, texts: [text] };
  }
  if (CONSTRAINT_CLAUSES.has(type)) return { ...NOTHING, filter: [query] };
  switch (type) {
    case 'match_all':
      return NOTHING;
    case 'bool':
      return splitBool(asObject(body, 'bool'), words);
    case 'dis_max':
      return splitAlternatives(asList(asObject(body, type).queries), words, type);
    case 'function_score':
    case 'script_score': {
      const wrapper = asObject(body, type);
      if (wrapper.min_score !== undefined) throw new NotUnderstood(`${type} with min_score`);
      return wrapper.query === undefined ? NOTHING : split(wrapper.query, words);
    }
    case 'constant_score':
      return split(asObject(body, type).filter ?? null, words);
    case 'boosting':
      return split(asObject(body, type).positive ?? null, words);
    case 'nested':
    case 'has_child':
    case 'has_parent': {
      if (words !== null && mentions(query, words)) throw new NotUnderstood(`words inside ${type}`);
      return { ...NOTHING, filter: [query] };
    }
    default:
      throw new NotUnderstood(`clause ${type}`);
  }
}

function splitBool(bool: JsonObject, words: string | null): Parts {
  const must = asList(bool.must).map((clause) => split(clause, words));
  const filter = asList(bool.filter);
  const mustNot = asList(bool.must_not);
  const should = asList(bool.should);
  const parts = merge([...must, { texts: [], filter, mustNot }]);
  if (should.length === 0) return parts;
  const optional = bool.minimum_should_match === undefined ? asList(bool.must).length + filter.length > 0 : bool.minimum_should_match === 0;
  // Optional clauses only raise scores; nothing that matches less of them is refused.
  if (optional) return merge([parts, { ...NOTHING, texts: textsAmong(should, words) }]);
  return merge([parts, splitAlternatives(should, words, 'should')]);
}

/** Alternatives of which some must match: understood only where each is nothing but the words. */
function splitAlternatives(clauses: readonly Json[], words: string | null, where: string): Parts {
  const parts = clauses.map((clause) => split(clause, words));
  if (parts.some((part) => part.texts.length === 0 || part.filter.length > 0 || part.mustNot.length > 0)) {
    throw new NotUnderstood(`${where} mixes words and other clauses`);
  }
  return merge(parts);
}

function textsAmong(clauses: readonly Json[], words: string | null): string[] {
  return words !== null && clauses.some((clause) => mentions(clause, words)) ? [words] : [];
}

function merge(parts: readonly Parts[]): Parts {
  return { texts: parts.flatMap((p) => p.texts), filter: parts.flatMap((p) => p.filter), mustNot: parts.flatMap((p) => p.mustNot) };
}

/**
 * The first words a depth-first walk meets in scoring position (filters and must_not are no place for the shopper's
 * words). Also used where the tree as a whole is not understood: the text still conditions the ranking.
 */
export function firstText(query: Json): string | null {
  if (!isJsonObject(query)) return null;
  for (const [type, body] of Object.entries(query)) {
    const text = textOfClause(type, body);
    if (text !== null) return text;
    if (!isJsonObject(body)) continue;
    const inner =
      type === 'bool'
        ? [...asList(body.must), ...asList(body.should)]
        : (SCORING_CHILDREN[type] ?? []).flatMap((name) => asList(body[name]));
    for (const child of inner) {
      const found = firstText(child);
      if (found !== null) return found;
    }
  }
  return null;
}

const SCORING_CHILDREN: Record<string, readonly string[]> = {
  dis_max: ['queries'],
  function_score: ['query'],
  script_score: ['query'],
  constant_score: ['filter'],
  boosting: ['positive'],
  nested: ['query'],
  has_child: ['query'],
  has_parent: ['query'],
  hybrid: ['queries'],
};

/** True where any clause of the tree, at any depth, is of that type. */
export function hasClause(query: Json | undefined, type: string): boolean {
  if (Array.isArray(query)) return query.some((item) => hasClause(item, type));
  return isJsonObject(query) && Object.entries(query).some(([key, value]) => key === type || hasClause(value, type));
}

/** Members of a `neural` clause that only say what is looked for. */
const NEURAL_WORDS = new Set(['query_text', 'model_id', 'k', 'boost']);

/** The words of a text clause: `{match: {title: "red"}}`, `{multi_match: {query: "red"}}`, `{neural: {f: {query_text}}}` … */
function textOfClause(type: string, body: Json | undefined): string | null {
  if (!isJsonObject(body)) return null;
  switch (type) {
    case 'multi_match':
    case 'query_string':
    case 'simple_query_string':
    case 'combined_fields':
      return nonEmptyString(body.query);
    case 'match':
    case 'match_phrase':
    case 'match_phrase_prefix':
    case 'match_bool_prefix': {
      const field = Object.values(body)[0];
      return isJsonObject(field) ? nonEmptyString(field.query) : nonEmptyString(field);
    }
    case 'neural': {
      const field = Object.values(body)[0];
      return isJsonObject(field) ? nonEmptyString(field.query_text) : null;
    }
    default:
      return null;
  }
}

function isOnlyWords(neural: Json | undefined): boolean {
  const field = isJsonObject(neural) ? Object.values(neural)[0] : undefined;
  return isJsonObject(field) && Object.keys(field).every((key) => NEURAL_WORDS.has(key));
}

/** Words with operators, fields or phrases in them constrain; they are not just words. */
function hasQuerySyntax(type: 'query_string' | 'simple_query_string', text: string): boolean {
  return type === 'query_string' ? /[:"()[\]{}*?~^!/\\]|\b(AND|OR|NOT)\b|(^|\s)[-+]/.test(text) : /["()*~|]|(^|\s)[-+]/.test(text);
}

function mentions(value: Json, words: string): boolean {
  if (typeof value === 'string') return value === words;
  if (Array.isArray(value)) return value.some((item) => mentions(item, words));
  return isJsonObject(value) && Object.values(value).some((item) => mentions(item, words));
}

function onlyClause(query: Json): [string, Json | undefined] {
  if (!isJsonObject(query)) throw new NotUnderstood('query is not an object');
  const keys = Object.keys(query);
  const type = keys[0];
  if (type === undefined || keys.length !== 1) throw new NotUnderstood('query has not exactly one clause');
  return [type, query[type]];
}

function asObject(body: Json | undefined, type: string): JsonObject {
  if (!isJsonObject(body)) throw new NotUnderstood(`${type} is not an object`);
  return body;
}
