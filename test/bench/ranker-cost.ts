import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { quantile } from '../../tuning/significance/bootstrap.js';
import { PRODUCT, readProductIndexMeta, type ProductIndexMeta } from '../../mappings/product-index.js';
import { builtinFolder } from '../../models/named-ranker.js';
import { openOnnxSession, type OnnxSession } from '../../models/onnx-session.js';
import { openRanker, valuesOf, type RankingInput } from '../../models/ranker.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { assembleFeatures, type CandidateList } from '../../sidecar/features.js';
import { readItem } from '../../sidecar/item-vectors.js';

const CANDIDATES = 200;
const HISTORY = 50;
const ROUNDS = 12;
const RUNS_A_ROUND = 25;

/** A LambdaMART of 300 trees over the very columns that the ranker gets. */
const LAMBDAMART = join(packageRoot, 'test', 'bench', 'lambdamart-300.onnx');

/** CPU of one scoring of 200 candidates, ms: the median over rounds that took turns in one process. */
export interface RankerCost {
  rankerMs: number;
  /** Null where the LambdaMART is not there. */
  lambdamartMs: number | null;
  /** Median over rounds of ranker / LambdaMART, whose rounds follow each other. */
  ratio: number | null;
  /** Of assembling the inputs of either, ms. */
  featuresMs: number;
}

/** Scores one real list, 200 candidates and 50 past events, by the shipped ranker and by the LambdaMART. */
export async function measureRankerCost(engine: EngineClient, alias: string): Promise<RankerCost> {
  const list = await readRealList(engine, alias);
  const ranker = await openRanker(builtinFolder);
  const input = assembleFeatures(list, ranker);
  const lambdamart = existsSync(LAMBDAMART) ? await openOnnxSession(LAMBDAMART) : null;
  const [ours, theirs, features]: [number[], number[], number[]] = [[], [], []];
  try {
    for (let round = -1; round < ROUNDS; round += 1) {
      const ranked = await timeCpu(async () => void (await ranker.score(input)));
      const boosted = lambdamart ? await timeCpu(() => scoreColumns(lambdamart, input)) : Number.NaN;
      const assembled = await timeCpu(() => Promise.resolve(void assembleFeatures(list, ranker)));
      if (round < 0) continue; // the first round warms
      ours.push(ranked);
      theirs.push(boosted);
      features.push(assembled);
    }
  } finally {
    await ranker.close();
    await lambdamart?.close();
  }
  const ratios = ours.map((cost, round) => cost / (theirs[round] ?? Number.NaN));
  return {
    rankerMs: medianOf(ours),
    lambdamartMs: lambdamart ? medianOf(theirs) : null,
    ratio: lambdamart ? medianOf(ratios) : null,
    featuresMs: medianOf(features),
  };
}

async function timeCpu(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  for (let run = 0; run < RUNS_A_ROUND; run += 1) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / RUNS_A_ROUND;
}

async function scoreColumns(session: OnnxSession, input: RankingInput): Promise<void> {
  const [name] = session.inputNames;
  if (name === undefined) throw new Error('the LambdaMART has no input');
  await session.run({ [name]: { type: 'float32', data: valuesOf(input, 'columns'), dims: [CANDIDATES, input.shape.columns] } });
}

function medianOf(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

const answerSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _score: z.number(), _source: z.record(z.string(), z.json()) })) }),
});

/** What the scorer would see of a query with many hits for a shopper with a full history. */
async function readRealList(engine: EngineClient, alias: string): Promise<CandidateList> {
  const meta = await readMeta(engine, alias);
  const { roles, encoders } = meta;
  const query = 'vintage modern chair';
  const [field = 'title'] = roles.text;
  const hitsOf = async (match: object, size: number): Promise<z.output<typeof answerSchema>['hits']['hits']> =>
    answerSchema.parse((await engine.search({ index: alias, body: { query: match, size } })).body).hits.hits;
  // The last clause fills the list to its length with products that hold no word of the query.
  const found = await hitsOf({ bool: { should: [{ match: { [field]: query } }, { match_all: { boost: 0.001 } }] } }, CANDIDATES);
  const past = await hitsOf({ function_score: { query: { match_all: {} }, random_score: { seed: 5, field: PRODUCT.rankKey } } }, HISTORY);
  if (found.length < CANDIDATES || past.length < HISTORY) throw new Error(`${alias} has too few products to measure the ranker on`);
  const encoder = await openTextEncoder({ path: 'builtin' });
  const textVector = await encoder.encodeQuery(query);
  await encoder.close();
  return {
    candidates: found.map((hit, rank) => ({
      item: readItem(hit._id, hit._source, roles),
      firstPhaseScore: hit._score,
      firstPhaseRank: rank,
      textRank: rank % 2 === 0 ? rank / 2 : null,
      imageRank: null,
    })),
    history: past.map((hit, place) => ({
      objectId: hit._id,
      action: 'click',
      ageSeconds: (HISTORY - place) * 3600,
      runningSession: place > HISTORY - 5,
      item: readItem(hit._id, hit._source, roles),
    })),
    query: { text: query, textVector, imageVector: null, headVector: null },
    cosineStats: meta.cosine_stats,
    signals: { text: true, image: true, history: true },
    textDims: encoders.text?.dims ?? 0,
    imageDims: encoders.image?.dims ?? 0,
  };
}

async function readMeta(engine: EngineClient, alias: string): Promise<ProductIndexMeta> {
  const mappings = Object.values((await engine.indices.getMapping({ index: alias })).body);
  const meta = readProductIndexMeta(mappings[0]?.mappings);
  if (!meta) throw new Error(`${alias} was not made by the indexer`);
  return meta;
}
