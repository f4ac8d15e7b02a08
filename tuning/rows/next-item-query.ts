import { createHash } from 'node:crypto';
import type { EvaluatedQuery } from '../formats/queries/queries.js';

/** A product that a shopper met next, as far as a query can be made of it. */
export interface NextItem {
  readonly id: string;
  readonly title: string | null;
  /** Broad to narrow. */
  readonly category: readonly string[];
}

/** A query that nobody typed. */
export interface DerivedQuery {
  readonly text: string;
  /** The narrowest category alone, or with one word of the title behind it. */
  readonly kind: 'bare-category' | 'with-word';
}

/** What a shopper did, oldest first, before the product that is asked for. */
export type EarlierEvents = NonNullable<EvaluatedQuery['history']>;

/** Of three queries one gets a word of the title. */
const WITH_WORD_EVERY = 3;
const SHORTEST_WORD = 3;
/** Words that no search looks for. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(['and', 'for', 'the', 'with', 'from', 'your']);
/** As many as a ranker looks at; the tag tells of all. */
const HISTORY_LIMIT = 50;

/**
 * The query that stands for a shopper's search for her next product: its narrowest category; for every third shopper, drawn by the seed,
 * with one word of the title that the category does not say. The same seed, shopper and product give the same query.
 * @returns null for a product without a category
 */
export function deriveQuery(item: NextItem, { seed, shopper }: { seed: number; shopper: string }): DerivedQuery | null {
  const category = item.category.findLast((value) => value.trim() !== '')?.trim();
  if (category === undefined) return null;
  const draw = createHash('sha256')
    .update(JSON.stringify([seed, shopper, item.id]))
    .digest();
  const words = titleWords(item.title ?? '', item.category);
  const word = words[draw.readUInt32BE(4) % Math.max(1, words.length)];
  if (word === undefined || draw.readUInt32BE(0) % WITH_WORD_EVERY !== 0) return { text: category, kind: 'bare-category' };
  return { text: `${category} ${word}`, kind: 'with-word' };
}

/**
 * A shopper's next product as a query to evaluate, with what she did before as inline history and tags for its kind and for the length of
 * that history. @returns null for a product without a category
 */
export function askForNextItem(
  item: NextItem,
  { seed, shopper, earlier }: { seed: number; shopper: string; earlier: EarlierEvents },
): EvaluatedQuery | null {
  const derived = deriveQuery(item, { seed, shopper });
  if (derived === null) return null;
  return {
    query_id: `next-${shopper}`,
    query: derived.text,
    history: earlier.slice(-HISTORY_LIMIT),
    tags: [derived.kind, `history:${nameHistoryLength(earlier.length)}`],
  };
}

/** The slices of history length that tables show. */
export function nameHistoryLength(events: number): '0' | '1-4' | '5-19' | '20+' {
  if (events === 0) return '0';
  return events < 5 ? '1-4' : events < 20 ? '5-19' : '20+';
}

/** Words of a title that say something the category does not, in their order, each once. */
function titleWords(title: string, category: readonly string[]): string[] {
  const said = new Set(category.flatMap(splitWords).map(stem));
  const words = new Map<string, string>();
  for (const word of splitWords(title)) {
    const key = stem(word);
    const tells = word.length >= SHORTEST_WORD && /\p{L}/u.test(word) && !EMPTY_WORDS.has(word.toLowerCase());
    if (tells && !said.has(key) && !words.has(key)) words.set(key, word);
  }
  return [...words.values()];
}

function splitWords(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}

/** `Lipsticks` and `lipstick` are one word here. */
function stem(word: string): string {
  return word.toLowerCase().replace(/(?<=\p{L}{2})s$/u, '');
}
