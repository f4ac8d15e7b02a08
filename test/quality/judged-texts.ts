import { z } from 'zod';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { configSchema } from '../../config/schema.js';
import { measureLinearNdcg } from '../../tuning/metrics/discounted-gain.js';
import { crossFit, cutBest, mixConvex, type Scores } from './hybrid-weight.js';
import type { JudgedQuery, TextProduct } from './text-packs.js';

const DEPTH = 200;
const CUT = 10;
export const WEIGHTS = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7] as const;
const FOLDS = 5;

/** The engine's BM25 of each query on the titles: places of the products in the catalogue and scores, the best 200. */
export async function searchTitles(node: string, products: readonly TextProduct[], queries: readonly JudgedQuery[]): Promise<Scores[]> {
  const engine = connectEngine(configSchema.parse({ opensearch: { nodes: [node] } }).opensearch);
  const index = `quality-encoders-${process.pid}`;
  try {
    await fillTitles(engine, index, products);
    const scores: Scores[] = [];
    for (const { query } of queries) {
      const { body } = await engine.search({ index, body: { query: { match: { title: query } }, size: DEPTH, _source: false } });
      const { hits } = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string(), _score: z.number() })) }) }).parse(body).hits;
      scores.push(new Map(hits.map(({ _id, _score }) => [Number(_id), _score])));
    }
    return scores;
  } finally {
    await engine.indices.delete({ index }, { ignore: [404] });
    await engine.close();
  }
}

async function fillTitles(engine: EngineClient, index: string, products: readonly TextProduct[]): Promise<void> {
  const title = { type: 'text' as const, analyzer: 'english' };
  await engine.indices.create({ index, body: { settings: { index: { number_of_shards: 1 } }, mappings: { properties: { title } } } });
  for (let start = 0; start < products.length; start += 1_000) {
    const part = products.slice(start, start + 1_000);
    const body = part.flatMap((product, place) => [{ index: { _index: index, _id: String(start + place) } }, { title: product.title }]);
    await engine.bulk({ body });
  }
  await engine.indices.refresh({ index });
}

/** nDCG@10 (linear gains) a query. */
export interface JudgedFigures {
  readonly alone: readonly number[];
  /** Mixed with the engine's BM25 by a weight that was chosen on the other folds of the queries. */
  readonly mixed: readonly number[];
  /** The weights that were chosen. */
  readonly weights: readonly number[];
}

export function gradeWords(words: readonly Scores[], queries: readonly JudgedQuery[], products: readonly TextProduct[]): number[] {
  return queries.map((query, place) =>
    grade(
      [...(words[place] ?? [])].sort((a, b) => b[1] - a[1] || a[0] - b[0]),
      query,
      products,
    ),
  );
}

/** @param cosines of each query with the title of every product */
export function gradeVectors(
  words: readonly Scores[],
  cosines: readonly ArrayLike<number>[],
  { queries, products }: { readonly queries: readonly JudgedQuery[]; readonly products: readonly TextProduct[] },
): JudgedFigures {
  const alone: number[] = [];
  const byWeight = new Map<number, number[]>(WEIGHTS.map((weight) => [weight, []]));
  for (const [place, query] of queries.entries()) {
    const near = cutBest(cosines[place] ?? [], DEPTH);
    alone.push(grade([...near], query, products));
    for (const [weight, values] of byWeight) {
      values.push(grade(mixConvex(words[place] ?? new Map<number, number>(), near, weight), query, products));
    }
  }
  const { values, chosen } = crossFit(
    byWeight,
    queries.map((_, place) => place % FOLDS),
  );
  return { alone, mixed: values, weights: [...new Set(chosen.values())].sort((a, b) => a - b) };
}

function grade(ranked: readonly (readonly [number, number])[], { id, gains }: JudgedQuery, products: readonly TextProduct[]): number {
  const hits = ranked.slice(0, CUT).map(([place, score]) => {
    const product = products[place]?.id ?? '';
    return { id: product, score, grade: gains.get(product) ?? null };
  });
  const ndcg = measureLinearNdcg({ hits, judged: [...gains.values()] }, CUT);
  if (ndcg === null) throw new Error(`query ${id} has no judged product with a gain`);
  return ndcg;
}
