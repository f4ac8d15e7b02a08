import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ProductFieldRoles } from '../../mappings/product-index.js';
import type { UserKey } from '../../mappings/ubi-event.js';
import { identifyAction } from '../../models/feature-set.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import type { ProductEvent } from './behaviour-events.js';
import { askForNextItem } from './next-item-query.js';

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
  /** Stands for the shopper in what is written: ids of people stay where they are. */
  readonly pseudonym: string;
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
const DAY_MS = 86_400_000;

const hitsSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.record(z.string(), z.unknown()) })) }),
});

/**
 * Each shopper's last product as the target, the events before it as history, and the query that {@link askForNextItem} makes of
 * the two. A run of events with the target (looked at, carted, bought) is one turn: none of it is history.
 * @returns questions in the order of their lots, and how many shoppers had none, by reason
 */
export async function deriveQuestions(
  shoppers: AsyncIterable<{ readonly shopper: UserKey; readonly events: readonly ProductEvent[] }>,
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
      const query = product && ask(turn, product, options.seed);
      if (query) questions.push({ query, target: turn.target, targetMs: turn.targetMs });
      else {
        const reason = product ? 'target_without_category' : 'target_not_in_catalogue';
        dropped[reason] = (dropped[reason] ?? 0) + 1;
      }
    }
  }
  return { questions, dropped };
}

/** The turns with the lowest lots, in their order; memory holds twice the limit at most. */
async function drawTurns(
  shoppers: AsyncIterable<{ readonly shopper: UserKey; readonly events: readonly ProductEvent[] }>,
  options: Derivation,
): Promise<Turn[]> {
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let turns: Turn[] = [];
  const draw = (): Turn[] => turns.sort((a, b) => (a.lot < b.lot ? -1 : 1)).slice(0, limit);
  for await (const { shopper, events } of shoppers) {
    const turn = lastTurn(events, options);
    const pseudonym = hash(shopper.kind, shopper.id).slice(0, 16);
    if (turn) turns.push({ ...turn, lot: hash(options.seed, pseudonym), pseudonym });
    if (turns.length >= 2 * limit) turns = draw();
  }
  return draw();
}

function lastTurn(events: readonly ProductEvent[], { since, recall }: Derivation): Omit<Turn, 'lot' | 'pseudonym'> | null {
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
  return { target: target.objectId, targetMs, history };
}

function ask({ pseudonym, target, targetMs, history }: Turn, product: Product, seed: number): EvaluatedQuery | null {
  const earlier = history.map(({ objectId, action, timestampMs }) => ({
    object_id: objectId,
    action_name: action,
    age_s: (targetMs - timestampMs) / 1000,
  }));
  return askForNextItem({ id: target, ...product }, { seed, shopper: pseudonym, earlier });
}

interface Product {
  readonly title: string | null;
  readonly category: readonly string[];
}

async function readProducts(
  turns: readonly Turn[],
  { engine, alias, roles }: { engine: EngineClient; alias: string; roles: Pick<ProductFieldRoles, 'category' | 'text'> },
): Promise<Map<string, Product>> {
  const fields = [roles.category, roles.text[0] ?? null].filter((field) => field !== null);
  const ids = [...new Set(turns.map(({ target }) => target))];
  const answer = await engine.search({ index: alias, body: { size: ids.length, query: { ids: { values: ids } }, _source: fields } });
  return new Map(
    hitsSchema
      .parse(answer.body)
      .hits.hits.map(({ _id, _source }) => [
        _id,
        { category: textsAt(_source, roles.category), title: textsAt(_source, roles.text[0] ?? null)[0] ?? null },
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
