import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { configSchema, type Config, type ConfigInput } from '../config/schema.js';
import { renderPicture } from '../demo/picture.js';
import { generateShop, PRODUCT_ROLES, type ShopEntry } from '../demo/shop.js';
import { indexCatalogue, type IndexReport } from '../indexer/index.js';
import { connectEngine, type EngineClient } from '../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../opensearch/local-node/index.js';
import { openLog } from '../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../sidecar/index.js';

/** A small shop on a real OpenSearch with a sidecar in front of it, for tests that walk the whole way. */
export interface House {
  readonly node: LocalNode;
  readonly engine: EngineClient;
  readonly sidecar: Sidecar;
  readonly config: Config;
  readonly alias: string;
  readonly entries: readonly ShopEntry[];
  readonly report: IndexReport;
  /** The sidecar's answer, raw. */
  search(body: object, options?: { headers?: Record<string, string>; path?: string }): Promise<RawAnswer>;
  /** The engine's own answer to the same. */
  direct(body: object, options?: { path?: string }): Promise<RawAnswer>;
  close(): Promise<void>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `X-Fuserank`; empty where there is none. */
  readonly label: string;
  readonly ids: readonly string[];
  /** The answer as objects; only what tests look at is checked. */
  readonly body: AnswerBody;
}

const answerBody = z.looseObject({
  hits: z
    .looseObject({
      total: z.looseObject({ value: z.number() }).optional(),
      hits: z.array(
        z.looseObject({
          _id: z.string(),
          _score: z.number().nullable(),
          _source: z.record(z.string(), z.unknown()).default({}),
          fields: z
            .looseObject({ _fuserank: z.array(z.looseObject({ final: z.number(), shares: z.record(z.string(), z.number()) })).optional() })
            .optional(),
        }),
      ),
    })
    .default({ hits: [] }),
  aggregations: z.unknown().optional(),
});
export type AnswerBody = z.output<typeof answerBody>;

let houses = 0;

/** Products drawn from a seed, indexed with pictures, behind a sidecar on free ports. `config` is laid over the defaults. */
export async function openHouse(options: {
  products: number;
  seed?: number;
  config?: Partial<ConfigInput>;
  profile?: ProfileInput;
  /** Laid over the map of the shop's fields. */
  map?: NonNullable<NonNullable<ConfigInput['index']>['map']>;
  /** Beside the profile `shop`, by the name of the alias. */
  moreProfiles?: (alias: string) => NonNullable<ConfigInput['profiles']>;
  /** Written between the indexing and the start of the sidecar. */
  beforeSidecar?: (house: Pick<House, 'engine' | 'config' | 'alias' | 'entries'>) => Promise<void>;
}): Promise<House> {
  const node = await findOrStartNode({ name: 'test' });
  const name = `house-${process.pid}-${++houses}`;
  const folder = await mkdtemp(join(tmpdir(), 'fuserank-house-'));
  const entries = [...generateShop({ values: 'demo', count: options.products, seed: options.seed ?? 5 })];
  for (const entry of entries) await writeFile(join(folder, entry.product.image), await renderPicture(entry.svg));
  const catalogue = join(folder, 'products.ndjson');
  await writeFile(catalogue, entries.map((entry) => `${JSON.stringify(entry.product)}\n`).join(''));
  const config = configSchema.parse({
    server: { port: 0, adminPort: 0, shutdownGraceMs: 2_000 },
    opensearch: { nodes: [node.url] },
    scorer: { processes: 1 },
    profiles: { shop: { index: `${name}*`, budgetMs: 5_000, ...options.profile }, ...options.moreProfiles?.(name) },
    behaviour: {
      events: `${name}-events`,
      queries: `${name}-queries`,
      statistics: `${name}-statistics`,
      erasures: `${name}-erasures`,
    },
    index: {
      alias: name,
      map: { ...PRODUCT_ROLES, ...options.map },
    },
    ...options.config,
  });
  const report = await indexCatalogue({ inputs: [catalogue], config, imageFolder: folder });
  const engine = connectEngine(config.opensearch);
  await options.beforeSidecar?.({ engine, config, alias: name, entries });
  const sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }) });
  return {
    node,
    engine,
    sidecar,
    config,
    alias: name,
    entries,
    report,
    search: (body, how = {}) => post(`${sidecar.url}/${how.path ?? `${name}/_search`}`, body, how.headers ?? {}),
    direct: (body, how = {}) => post(`${node.url}/${how.path ?? `${name}/_search`}`, body, {}),
    close: async () => {
      await sidecar.close();
      await engine.indices.delete({ index: `${name}*` });
      await engine.close();
      await rm(folder, { recursive: true, force: true });
      await node.stop();
    },
  };
}

type ProfileInput = Omit<NonNullable<ConfigInput['profiles']>[string], 'index'>;

async function post(url: string, body: object, headers: Record<string, string>): Promise<RawAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const parsed = answerBody.parse(JSON.parse(text));
  return {
    status: response.status,
    headers: response.headers,
    text,
    label: response.headers.get('x-fuserank') ?? '',
    ids: parsed.hits.hits.map((hit) => hit._id),
    body: parsed,
  };
}
