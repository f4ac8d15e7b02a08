import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ProductFieldRoles } from '../../mappings/product-index.js';
import { identifyAction } from '../../models/feature-set.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import type { ProductEvent } from './behaviour-events.js';

/** A question that nobody typed: derived from what a shopper turned to next. */
export interface DerivedQuestion {
  readonly query: EvaluatedQuery;
  /** The product that the shopper turned to. */
  readonly target: string;
  /** When, epoch ms. */
  readonly targetMs: number;
}

/** A shopper's last product, and what had been before it. */
interface Turn {
  /** Orders and samples shoppers, by seed. */
  readonly lot: string;
  readonly target: string;
  readonly targetMs: number;
  readonly history: readonly ProductEvent[];
}

export interface Derivation {
  /** Epoch ms: targets from here on; older last events are no targets. */
  readonly since: number;
  /** At most so many, drawn by seed; null = all. */
  readonly limit: number | null;
  readonly seed: number;
  /** What a search would recall. */
  readonly recall: { readonly length: number; readonly ttlDays: number; readonly ignored: readonly string[] };
}

/** Actions of these classes are a shopper's own, and say that the product was wanted. */
const FIRST_WANTED = 2;
const LOOKUP = 500;
const SHORTEST_WORD = 3;
const DAY_MS = 86_400_000;

const hitsSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.record(z.string(), z.unknown()) })) }),
});

/**
 * Each shopper's last product as the target, the events before it as history, and as the query the target's narrowest
 * category; a third of the queries, by seed, get a word of its title as well. A run of events with the target (looked at,
 * carted, bought) is one turn: none of it is history.
 * @returns questions in the order of their lots, and how many shoppers had none, by reason
 */
export async function deriveQuestions(
  shoppers: AsyncIterable<{ readonly shopper: { kind: string; id: string }; readonly events: readonly ProductEvent[] }>,
  options: Derivation & { engine: EngineClient; alias: string; roles: Pick<ProductFieldRoles, 'category' | 'text'> },
): Promise<{ questions: DerivedQuestion[]; dropped: Record<string, number> }> {
  const turns = await drawTurns(shoppers, options);
  const questions: DerivedQuestion[] = [];
  const dropped: Record<string, number> = {};
  for (let start = 0; start < turns.length; start += LOOKUP) {
    const group = turns.slice(start, start + LOOKUP);
    const products = await readProducts(group, options);
    for (const turn of group) {
      const product = products.get(turn.target);
      const category = product?.categories.at(-1);
      const reason = !product ? 'target_not_in_catalogue' : category === undefined ? 'target_without_category' : null;
      if (reason !== null) dropped[reason] = (dropped[reason] ?? 0) + 1;
      else if (category !== undefined) questions.push(askFor(turn, { category, title: product?.title ?? '' }));
    }
  }
  return { questions, dropped };
}

/** The turns with the lowest lots, in their order; memory holds twice the limit at most. */
async function drawTurns(
  shoppers: AsyncIterable<{ readonly shopper: { kind: string; id: string }; readonly events: readonly ProductEvent[] }>,
  options: Derivation,
): Promise<Turn[]> {
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let turns: Turn[] = [];
  const draw = (): Turn[] => turns.sort((a, b) => (a.lot < b.lot ? -1 : 1)).slice(0, limit);
  for await (const { shopper, events } of shoppers) {
    const turn = lastTurn(events, options, hash(options.seed, shopper.kind, shopper.id));
    if (turn) turns.push(turn);
    if (turns.length >= 2 * limit) turns = draw();
  }
  return draw();
}

function lastTurn(events: readonly ProductEvent[], { since, recall }: Derivation, lot: string): Turn | null {
  const last = events.findLastIndex(({ action }) => identifyAction(action) >= FIRST_WANTED);
  const target = events[last];
  if (!target || target.timestampMs < since) return null;
  let first = last;
  while (first > 0 && events[first - 1]?.objectId === target.objectId) first -= 1;
  const targetMs = events[first]?.timestampMs ?? target.timestampMs;
  const history = events
    .slice(0, first)
    .filter(({ action, timestampMs }) => !recall.ignored.includes(action) && timestampMs >= targetMs - recall.ttlDays * DAY_MS)
    .slice(-recall.length);
  return { lot, target: target.objectId, targetMs, history };
}

function askFor({ lot, target, targetMs, history }: Turn, { category, title }: { category: string; title: string }): DerivedQuestion {
  const word = Number.parseInt(lot.slice(0, 8), 16) % 3 === 0 ? titleWord(title, category, lot) : null;
  const tags = [word === null ? 'bare-category' : 'with-word', `history:${lengthClass(history.length)}`];
  const query: EvaluatedQuery = {
    query_id: `d${lot.slice(0, 16)}`,
    query: word === null ? category : `${category} ${word}`,
    history: history.map((event) => ({
      object_id: event.objectId,
      action_name: event.action,
      age_s: (targetMs - event.timestampMs) / 1000,
    })),
    tags,
  };
  return { query, target, targetMs };
}

/** A word that says more than the category does. */
function titleWord(title: string, category: string, lot: string): string | null {
  const known = new Set(wordsOf(category));
  const words = [...new Set(wordsOf(title))].filter((word) => word.length >= SHORTEST_WORD && !known.has(word) && !/^\d+$/.test(word));
  return words[Number.parseInt(lot.slice(8, 16), 16) % Math.max(1, words.length)] ?? null;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function lengthClass(length: number): string {
  if (length === 0) return '0';
  return length < 5 ? '1-4' : length < 20 ? '5-19' : '20+';
}

async function readProducts(
  turns: readonly Turn[],
  { engine, alias, roles }: { engine: EngineClient; alias: string; roles: Pick<ProductFieldRoles, 'category' | 'text'> },
): Promise<Map<string, { categories: string[]; title: string }>> {
  const fields = [roles.category, roles.text[0] ?? null].filter((field) => field !== null);
  const ids = [...new Set(turns.map(({ target }) => target))];
  const answer = await engine.search({ index: alias, body: { size: ids.length, query: { ids: { values: ids } }, _source: fields } });
  return new Map(
    hitsSchema
      .parse(answer.body)
      .hits.hits.map(({ _id, _source }) => [
        _id,
        { categories: textsAt(_source, roles.category), title: textsAt(_source, roles.text[0] ?? null).join(' ') },
      ]),
  );
}

/** Values of a field by its dotted path, also where the document spells the dots inside one key. */
function textsAt(source: Record<string, unknown>, path: string | null): string[] {
  const value = path === null ? undefined : valueAt(source, path);
  return [value].flat().flatMap((each) => (typeof each === 'string' || typeof each === 'number' ? [String(each)] : []));
}

function valueAt(source: unknown, path: string): unknown {
  if (typeof source !== 'object' || source === null) return undefined;
  const whole: unknown = Object.getOwnPropertyDescriptor(source, path)?.value;
  const dot = path.indexOf('.');
  if (whole !== undefined || dot < 0) return whole;
  return valueAt(Object.getOwnPropertyDescriptor(source, path.slice(0, dot))?.value, path.slice(dot + 1));
}

function hash(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
