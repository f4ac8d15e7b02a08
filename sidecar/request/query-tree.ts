import { asList, isJsonObject, nonEmptyString, type Json, type JsonObject } from '../json/value.js';
import { findForeignType, kindOf } from './clause-types.js';
import { countRequired } from './minimum-should-match.js';
import { DEEPEST_CLAUSE, findTextClauses, looksInto, readTextClause, unwrapClause, type TextClause } from './text-clauses.js';

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

/** Clauses of the query itself, wherever one could be kept whole. */
export interface Constraints {
  readonly filter: readonly Json[];
  readonly mustNot: readonly Json[];
}

export interface SplitOptions {
  /** The words that the search named apart from its query; null = it named none. */
  readonly given?: string | null;
  /** Fields that hold what shoppers search in; null = any field does. A `match` of another field is a constraint. */
  readonly textFields?: readonly string[] | null;
}

/** A clause that no text can be taken out of. */
class NotUnderstood extends Error {}

interface Parts {
  /** Whether the shopper's words were taken out of it. */
  readonly words: boolean;
  readonly filter: readonly Json[];
  readonly mustNot: readonly Json[];
}

const NOTHING: Parts = { words: false, filter: [], mustNot: [] };
const WORDS: Parts = { words: true, filter: [], mustNot: [] };

/** Splits the query of a search body; undefined (no query) is a match_all. */
export function splitQuery(query: Json | undefined, options: SplitOptions = {}): SplitQuery {
  if (query === undefined) return { text: null, constraints: { filter: [], mustNot: [] }, reason: null };
  const splitter = new Splitter(query, options);
  try {
    const { filter, mustNot } = splitter.split(query, 0);
    return { text: splitter.words, constraints: { filter, mustNot }, reason: null };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { text: splitter.words, constraints: null, reason: error.message };
  }
}

class Splitter {
  readonly words: string | null;
  readonly #isGiven: boolean;
  readonly #textFields: readonly string[] | null;

  constructor(query: Json, { given = null, textFields = null }: SplitOptions) {
    this.#textFields = textFields;
    const clauses = [...findTextClauses(query)].filter((clause) => this.#isSearched(clause));
    this.#isGiven = clauses.some(({ text }) => text === given);
    this.words = this.#isGiven ? given : (clauses[0]?.text ?? null);
  }

  /** The constraints of a clause that must match. */
  split(query: Json, depth: number): Parts {
    const [type, body] = onlyClause(query, depth);
    const clause = readTextClause(type, body);
    if (clause && kindOf(type) === 'text') return this.#splitText(query, clause, body);
    if (type === 'match_all') return NOTHING;
    if (!this.#holdsWords(query)) return keep(query);
    switch (type) {
      case 'bool':
        return this.#splitBool(query, membersOf(body, type, BOOL_MEMBERS), depth);
      case 'dis_max':
        return this.#splitAlternatives(asList(membersOf(body, type, DIS_MAX_MEMBERS).queries), 1, depth, type);
      case 'function_score':
      case 'script_score': {
        const wrapper = asObject(body, type);
        if (wrapper.min_score !== undefined) throw new NotUnderstood(`${type} with min_score`);
        return wrapper.query === undefined ? NOTHING : this.split(wrapper.query, depth + 1);
      }
      case 'constant_score':
        return this.split(asObject(body, type).filter ?? null, depth + 1);
      case 'boosting':
        return this.split(asObject(body, type).positive ?? null, depth + 1);
      case 'wrapper':
        return this.split(unwrapClause(body).query, depth + 1);
      case 'nested':
      case 'has_child':
      case 'has_parent':
        throw new NotUnderstood(`words inside ${type}`);
      default:
        return keep(query);
    }
  }

  #splitText(query: Json, clause: TextClause, body: Json | undefined): Parts {
    // Words for a field that shoppers do not search in ("tenant: acme") narrow, also where they are the shopper's own.
    if (!this.#isSearched(clause)) return keep(query);
    if (clause.text !== this.words) {
      if (this.#isGiven) return keep(query);
      throw new NotUnderstood('words of two kinds');
    }
    refuseNarrowing(clause, body);
    return WORDS;
  }

  #splitBool(query: Json, bool: JsonObject, depth: number): Parts {
    const must = asList(bool.must);
    const filter = asList(bool.filter);
    const mustNot = [...asList(bool.must_not), ...asList(bool.mustNot)];
    const should = asList(bool.should);
    [...filter, ...mustNot].forEach(keep);
    // A bool of nothing but must_not may be told to match nothing.
    if (must.length + filter.length + should.length === 0) return keep(query);
    const parts = merge([...must.map((clause) => this.split(clause, depth + 1)), { words: false, filter, mustNot }]);
    const spec = bool.minimum_should_match ?? null;
    const alone = must.length + filter.length === 0 && should.length > 0;
    const asked = spec === null ? 0 : countRequired(spec, should.length);
    if (asked === null) throw new NotUnderstood('minimum_should_match');
    const required = Math.max(asked, alone ? 1 : 0);
    if (required > should.length) throw new NotUnderstood('more should clauses must match than there are');
    // Optional clauses only raise scores; nothing that matches none of them is refused.
    if (required === 0) return parts;
    return merge([parts, this.#splitAlternatives(should, required, depth, 'should')]);
  }

  /** Clauses of which `required` must match: either each looks for the words, or none does. */
  #splitAlternatives(clauses: readonly Json[], required: number, depth: number, where: string): Parts {
    if (clauses.length === 0) throw new NotUnderstood(`${where} without clauses`);
    if (!clauses.some((clause) => this.#holdsWords(clause))) {
      clauses.forEach(keep);
      return { ...NOTHING, filter: [anyOf(clauses, required)] };
    }
    const parts = clauses.map((clause) => (this.#isExactly(clause) ? WORDS : this.split(clause, depth + 1)));
    if (parts.some(({ words }) => !words)) throw new NotUnderstood(`${where} mixes words and other clauses`);
    if (parts.filter(isUnconstrained).length >= required) return WORDS;
    return { words: true, mustNot: [], filter: [anyOf(parts.map(asQuery), required)] };
  }

  /** A clause that is met by the words alone, whatever field it looks into ("sku: red boots" beside a match of the title). */
  #isExactly(query: Json): boolean {
    const [type, body] = onlyClause(query, 0);
    const clause = readTextClause(type, body);
    if (clause) return clause.text === this.words && !this.#isSearched(clause);
    if (!EXACT_CLAUSES.has(type) || !isJsonObject(body)) return false;
    const [value] = Object.entries(body).flatMap(([name, each]) => (name === 'boost' || name === '_name' ? [] : [each]));
    const text = nonEmptyString(isJsonObject(value) ? (value.value ?? value.wildcard ?? value.prefix) : value);
    return text !== null && text.replace(/^\*|\*$/g, '').toLowerCase() === this.words?.toLowerCase();
  }

  #isSearched(clause: TextClause): boolean {
    return this.#textFields === null || looksInto(clause, this.#textFields);
  }

  #holdsWords(query: Json): boolean {
    return this.words !== null && mentions(query, this.words, 0);
  }
}

const BOOL_MEMBERS = new Set([
  'must',
  'filter',
  'should',
  'must_not',
  'mustNot',
  'minimum_should_match',
  'boost',
  'adjust_pure_negative',
  '_name',
]);
const DIS_MAX_MEMBERS = new Set(['queries', 'tie_breaker', 'boost', '_name']);
const EXACT_CLAUSES = new Set(['term', 'prefix', 'wildcard', 'fuzzy']);

/** Members of a `neural` or `neural_sparse` clause that only say what is looked for. */
const NEURAL_WORDS = new Set(['query_text', 'model_id', 'k', 'boost', '_name', 'analyzer', 'max_token_score']);

/** Words with operators, filters or a threshold in them constrain; they are not just words. */
function refuseNarrowing({ type, text }: TextClause, body: Json | undefined): void {
  if (type === 'query_string' && /[:"()[\]{}*?~^!/\\&|<>=]|\b(AND|OR|NOT)\b|(^|\s)[-+]/.test(text)) {
    throw new NotUnderstood('query_string with operators');
  }
  if (type === 'simple_query_string' && /["()*~|+\\]|(^|\s)-/.test(text)) throw new NotUnderstood('simple_query_string with operators');
  const inner = isJsonObject(body) ? Object.values(body).find(isJsonObject) : undefined;
  if ((type === 'neural' || type === 'neural_sparse') && !Object.keys(inner ?? {}).every((key) => NEURAL_WORDS.has(key))) {
    throw new NotUnderstood(`${type} with a filter of its own`);
  }
  if (type === 'intervals') {
    const rule = isJsonObject(inner?.match) ? inner.match : null;
    if (rule === null || rule.filter !== undefined) throw new NotUnderstood('intervals with rules of their own');
  }
}

/** A clause without the words, whole. */
function keep(query: Json): Parts {
  const foreign = findForeignType(query);
  if (foreign !== null) throw new NotUnderstood(`clause ${foreign}`);
  return { ...NOTHING, filter: [query] };
}

function merge(parts: readonly Parts[]): Parts {
  return {
    words: parts.some(({ words }) => words),
    filter: parts.flatMap(({ filter }) => filter),
    mustNot: parts.flatMap(({ mustNot }) => mustNot),
  };
}

function isUnconstrained({ filter, mustNot }: Parts): boolean {
  return filter.length === 0 && mustNot.length === 0;
}

function asQuery(parts: Parts): Json {
  return isUnconstrained(parts) ? { match_all: {} } : { bool: { filter: [...parts.filter], must_not: [...parts.mustNot] } };
}

function anyOf(clauses: readonly Json[], required: number): Json {
  return { bool: { should: [...clauses], minimum_should_match: required } };
}

/** Where it is too deep to tell, the words are taken to be there: the walk to them then ends at the same depth. */
function mentions(value: Json, words: string, depth: number): boolean {
  if (depth > 2 * DEEPEST_CLAUSE) return true;
  if (typeof value === 'string') return value.trim().toLowerCase() === words.trim().toLowerCase();
  if (Array.isArray(value)) return value.some((item) => mentions(item, words, depth + 1));
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, item]) =>
    key === 'wrapper' ? mentions(unwrapClause(item).query, words, depth + 1) : mentions(item, words, depth + 1),
  );
}

function onlyClause(query: Json, depth: number): [string, Json | undefined] {
  if (depth > DEEPEST_CLAUSE) throw new NotUnderstood('nested too deep');
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

function membersOf(body: Json | undefined, type: string, known: ReadonlySet<string>): JsonObject {
  const object = asObject(body, type);
  const unknown = Object.keys(object).find((key) => !known.has(key));
  if (unknown !== undefined) throw new NotUnderstood(`${type} with ${unknown}`);
  return object;
}
