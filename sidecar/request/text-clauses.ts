import { asList, isJsonObject, nonEmptyString, parseJson, type Json, type JsonObject } from '../json/value.js';
import { matchesWildcard } from './wildcard.js';

/** A clause that looks for words: what it looks for, and where. */
export interface TextClause {
  readonly type: string;
  /** The words, as they were typed. */
  readonly text: string;
  /** Fields as the clause names them (boosts and patterns included); null = the index's default fields, or a field of vectors. */
  readonly fields: readonly string[] | null;
}

/** Deeper trees are not looked into; the engine refuses bools nested more than 20 deep. */
export const DEEPEST_CLAUSE = 100;

/** Members that hold the clauses which a wrapper scores by. Its filters and `must_not` are no place for the shopper's words. */
export const SCORING_CHILDREN: Readonly<Record<string, readonly string[]>> = {
  bool: ['must', 'should'],
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

/** The text clauses in scoring position, depth first. */
export function* findTextClauses(query: Json, depth = 0): Generator<TextClause> {
  if (!isJsonObject(query) || depth > DEEPEST_CLAUSE) return;
  for (const [type, body] of Object.entries(query)) {
    const clause = readTextClause(type, body);
    if (clause) yield clause;
    else if (type === 'wrapper') yield* findTextClauses(unwrapClause(body).query, depth + 1);
    else if (isJsonObject(body)) {
      for (const name of childrenOf(type)) for (const child of asList(body[name])) yield* findTextClauses(child, depth + 1);
    }
  }
}

function childrenOf(type: string): readonly string[] {
  return Object.hasOwn(SCORING_CHILDREN, type) ? (SCORING_CHILDREN[type] ?? []) : [];
}

/**
 * The shopper's words in a query: those of the first text clause that looks into one of `textFields`, else of the first that
 * looks into several fields or the default ones (a tenant or a brand may be spelled as a `match` of one field), else of the
 * first; null where there is none.
 */
export function findWords(query: Json, textFields: readonly string[]): string | null {
  let best: { clause: TextClause; weight: number } | null = null;
  for (const clause of findTextClauses(query)) {
    const weight = textFields.length > 0 && looksInto(clause, textFields) ? 2 : clause.fields === null || clause.fields.length > 1 ? 1 : 0;
    if (best === null || weight > best.weight) best = { clause, weight };
  }
  return best?.clause.text ?? null;
}

/** True where the clause reads one of `textFields`, or a sub-field of one (`title.english`). */
export function looksInto(clause: TextClause, textFields: readonly string[]): boolean {
  if (clause.fields === null) return true;
  const patterns = clause.fields.map((field) => field.replace(/\^[^^]*$/, ''));
  return textFields.some((name) => patterns.some((pattern) => pattern.startsWith(`${name}.`) || matchesWildcard(name, pattern)));
}

/** Reads one clause; null where it is none that looks for words. Numbers and booleans in a `match` are values, not words. */
export function readTextClause(type: string, body: Json | undefined): TextClause | null {
  if (!isJsonObject(body)) return null;
  switch (type) {
    case 'multi_match':
    case 'combined_fields':
    case 'query_string':
    case 'simple_query_string':
      return textClause(type, body.query, fieldNames(body.fields ?? body.default_field));
    case 'match':
    case 'match_phrase':
    case 'match_phrase_prefix':
    case 'match_bool_prefix':
    case 'common': {
      const [field, value] = onlyField(body);
      return textClause(type, isJsonObject(value) ? value.query : value, [field]);
    }
    case 'intervals': {
      const [field, rule] = onlyField(body);
      return textClause(type, intervalsText(rule, 0), [field]);
    }
    case 'more_like_this': {
      const like = asList(body.like);
      return textClause(type, like.length === 1 ? like[0] : undefined, fieldNames(body.fields));
    }
    case 'neural':
    case 'neural_sparse': {
      const [, value] = onlyField(body);
      return textClause(type, isJsonObject(value) ? value.query_text : undefined, null);
    }
    case 'agentic':
      return textClause(type, body.query_text, null);
    default:
      return null;
  }
}

function textClause(type: string, text: Json | undefined, fields: readonly string[] | null): TextClause | null {
  const words = nonEmptyString(text);
  return words === null ? null : { type, text: words, fields };
}

function onlyField(body: JsonObject): [string, Json | undefined] {
  return Object.entries(body).find(([name]) => name !== 'boost' && name !== '_name') ?? ['', undefined];
}

function fieldNames(fields: Json | undefined): string[] | null {
  const names = asList(fields).filter((field) => typeof field === 'string');
  return names.length === 0 ? null : names;
}

/** The words of the first `match` rule. */
function intervalsText(rule: Json | undefined, depth: number): Json | undefined {
  if (!isJsonObject(rule) || depth > DEEPEST_CLAUSE) return undefined;
  if (isJsonObject(rule.match)) return rule.match.query;
  const nested = [rule.all_of, rule.any_of].flatMap((group) => (isJsonObject(group) ? asList(group.intervals) : []));
  for (const inner of nested) {
    const text = intervalsText(inner, depth + 1);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** What a `wrapper` clause holds, as text and as a value. */
export interface WrappedQuery {
  readonly bytes: Buffer;
  readonly query: Json;
}

const wrapped = new WeakMap<JsonObject, WrappedQuery>();
const UNREADABLE: WrappedQuery = { bytes: Buffer.alloc(0), query: null };

/** Reads the body of a `wrapper` clause (base64 of JSON), once; its query is null where it can't be read. */
export function unwrapClause(body: Json | undefined): WrappedQuery {
  if (!isJsonObject(body) || typeof body.query !== 'string') return UNREADABLE;
  const known = wrapped.get(body);
  if (known) return known;
  const bytes = Buffer.from(body.query, 'base64');
  const read = { bytes, query: parsedOrNull(bytes) };
  wrapped.set(body, read);
  return read;
}

function parsedOrNull(bytes: Buffer): Json {
  try {
    return parseJson(bytes.toString('utf8'));
  } catch {
    return null; // the engine says what is wrong with it
  }
}

/** The wrapped queries among the clauses that score, depth first. */
export function* findWrapped(query: Json | undefined, depth = 0): Generator<WrappedQuery> {
  if (!isJsonObject(query) || depth > DEEPEST_CLAUSE) return;
  for (const [type, body] of Object.entries(query)) {
    if (type === 'wrapper') {
      const inner = unwrapClause(body);
      yield inner;
      yield* findWrapped(inner.query, depth + 1);
    } else if (isJsonObject(body)) {
      for (const name of childrenOf(type)) for (const child of asList(body[name])) yield* findWrapped(child, depth + 1);
    }
  }
}
