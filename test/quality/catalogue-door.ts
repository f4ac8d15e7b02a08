import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configSchema, type Config, type ConfigInput } from '../../config/schema.js';
import { indexCatalogue, type IndexReport } from '../../indexer/index.js';
import { PRODUCT } from '../../mappings/product-index.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar } from '../../sidecar/index.js';

/** A pair of encoders under measurement. */
export interface EncoderSet {
  /** Short, as an index name may hold it. */
  key: string;
  /** As a table names it. */
  name: string;
  /** The text encoder alone, likewise. */
  textName: string;
  text: string;
  image: string;
  /** Share of the vector clause in a hybrid query: a static table deserves less than a sentence transformer. */
  hybridWeight: number;
}

const BUILT_IN: EncoderSet = {
  key: 'builtin',
  name: 'built-in',
  textName: 'built-in',
  text: 'builtin',
  image: 'builtin',
  hybridWeight: 0.3,
};

/** The built-in encoders, and those of the models folder beside the data, where it is there. */
export function listEncoderSets(data: string): EncoderSet[] {
  const models = join(data, '..', 'models');
  const [text, image] = ['all-minilm-l6-v2', 'mobilenet-v2-224'];
  if (!existsSync(join(models, text)) || !existsSync(join(models, image))) return [BUILT_IN];
  return [
    BUILT_IN,
    { key: 'minilm', name: `${text}, ${image}`, textName: text, text: join(models, text), image: join(models, image), hybridWeight: 0.5 },
  ];
}

/** A catalogue in the engine with a sidecar in front of it. */
export interface CatalogueDoor {
  readonly alias: string;
  readonly config: Config;
  readonly report: IndexReport;
  readonly engine: EngineClient;
  /** Ids of the engine's own answer, best first. */
  searchEngine(body: object, parameters?: string): Promise<FoundHit[]>;
  /** Ids of the sidecar's answer. @throws Error when it was not ranked: the engine's order must never pass for ours. */
  searchSidecar(body: object, ranking: object): Promise<FoundHit[]>;
  /** Every product's vectors, by id; null = none. */
  readVectors(): Promise<Map<string, { text: Float32Array | null; image: Float32Array | null }>>;
  close(): Promise<void>;
}

export interface FoundHit {
  id: string;
  /** Values of `docvalue_fields` and collapse, as the engine gives them. */
  fields: Record<string, unknown>;
}

/** Quality and speed are told apart: no answer may be unranked because the machine was busy. */
const UNHURRIED_MS = 60_000;

const answerSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), fields: z.record(z.string(), z.unknown()).default({}) })) }),
});
const vector = z.array(z.number()).nullish();
const scanSchema = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.record(z.string(), z.unknown()), sort: z.array(z.string()) })) }),
});

/** Indexes a catalogue by the real indexer under an alias of its own and opens a sidecar on it. */
export async function openCatalogue(options: {
  node: string;
  alias: string;
  encoders: EncoderSet;
  inputs: string[];
  index: Omit<NonNullable<ConfigInput['index']>, 'alias'>;
  video?: string;
  imageFolder?: string;
}): Promise<CatalogueDoor> {
  const { node, alias, encoders } = options;
  const config = configSchema.parse({
    server: { port: 0, adminPort: 0 },
    opensearch: { nodes: [node] },
    encoders: { text: { path: encoders.text }, image: { path: encoders.image } },
    scorer: { processes: 1 },
    profiles: { quality: { index: `${alias}*`, budgetMs: UNHURRIED_MS } },
    behaviour: { events: `${alias}-ubi-events`, queries: `${alias}-ubi-queries` },
    index: { ...options.index, alias },
  } satisfies ConfigInput);
  const maps = options.video === undefined ? [] : [{ video: options.video }];
  const report = await indexCatalogue({ inputs: options.inputs, config, maps, imageFolder: options.imageFolder ?? null });
  const sidecar = await startSidecar(config, { log: openLog({ level: 'error', format: 'pretty' }) });
  const engine = connectEngine(config.opensearch);
  return {
    alias,
    config,
    report,
    engine,
    searchEngine: async (body, parameters = '') => readHits(await post(`${node}/${alias}/_search${parameters}`, body)),
    searchSidecar: async (body, ranking) => {
      const response = await post(`${sidecar.url}/${alias}/_search`, { ...body, ext: { fuserank: ranking } });
      const label = response.headers.get('x-fuserank');
      if (!label?.startsWith('applied')) throw new Error(`a search was not ranked: ${label ?? `status ${response.status}`}`);
      return readHits(response);
    },
    readVectors: () => readVectors(engine, alias),
    close: async () => {
      await sidecar.close();
      await engine.indices.delete({ index: `${alias}*` });
      await engine.close();
    },
  };
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

async function readHits(response: Response): Promise<FoundHit[]> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`a search was answered ${response.status}: ${text.slice(0, 300)}`);
  return answerSchema.parse(JSON.parse(text)).hits.hits.map((hit) => ({ id: hit._id, fields: hit.fields }));
}

/** Every product's vectors, by id; null = none. */
export async function readVectors(
  engine: EngineClient,
  alias: string,
): Promise<Map<string, { text: Float32Array | null; image: Float32Array | null }>> {
  const vectors = new Map<string, { text: Float32Array | null; image: Float32Array | null }>();
  const read = (value: unknown): Float32Array | null => {
    const numbers = vector.parse(value);
    return numbers ? Float32Array.from(numbers) : null;
  };
  for (let after: string | undefined; ;) {
    const answer = await engine.search({
      index: alias,
      body: {
        size: 500,
        sort: [{ [PRODUCT.rankKey]: 'asc' }],
        _source: [PRODUCT.textVector, PRODUCT.imageVector],
        ...(after === undefined ? {} : { search_after: [after] }),
      },
    });
    const { hits } = scanSchema.parse(answer.body).hits;
    for (const { _id, _source } of hits) {
      vectors.set(_id, { text: read(_source[PRODUCT.textVector]), image: read(_source[PRODUCT.imageVector]) });
    }
    after = hits.at(-1)?.sort[0];
    if (after === undefined) return vectors;
  }
}
