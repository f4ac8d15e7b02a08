import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { readProductIndexMeta, type ProductFieldRoles } from '../../mappings/product-index.js';
import type { EngineClient } from '../../opensearch/connection.js';

/** There is no such index or alias. */
export class IndexUnknown extends Error {
  override readonly name = 'IndexUnknown';
  readonly exitCode = 2;
}

/** What an evaluation says of the index it asks. */
export interface IndexFacts {
  readonly alias: string;
  /** Concrete names behind the alias, sorted. */
  readonly concrete: readonly string[];
  readonly documents: number;
  readonly roles: ProductFieldRoles;
  /** Fields that reports show. */
  readonly titleField: string | null;
  readonly imageField: string | null;
}

/** @throws IndexUnknown */
export async function readIndexFacts(engine: EngineClient, config: Config, alias: string): Promise<IndexFacts> {
  const exists = await engine.indices.exists({ index: alias });
  if (!exists.body) {
    throw new IndexUnknown(`there is no index or alias [${alias}]; index a catalogue first: fuserank index … --alias ${alias}`);
  }
  const mappings = Object.entries((await engine.indices.getMapping({ index: alias })).body);
  const meta = readProductIndexMeta(mappings[0]?.[1].mappings);
  const roles = meta?.roles ?? { id: config.index.id, ...config.index.map };
  const { count } = z.object({ count: z.int() }).parse((await engine.count({ index: alias })).body);
  return {
    alias,
    concrete: mappings.map(([name]) => name).sort(),
    documents: count,
    roles,
    titleField: roles.text[0] ?? null,
    imageField: roles.image,
  };
}
