import type { Config } from '../../config/schema.js';
import { readProductIndexMeta } from '../../mappings/product-index.js';
import { connectEngine, probeEngine } from '../../opensearch/connection.js';
import type { VectorDims } from './promotion-gate.js';

/**
 * Dims of the vectors that an index holds, by its stamp; null where it holds none of a kind, or is not one of ours.
 * @param alias index or alias; all behind it were made with one configuration
 * @throws EngineUnreachable
 */
export async function readVectorDims(config: Config, alias: string): Promise<VectorDims> {
  const client = connectEngine(config.opensearch);
  try {
    await probeEngine(client);
    const [index] = Object.values((await client.indices.getMapping({ index: alias })).body);
    const encoders = readProductIndexMeta(index?.mappings)?.encoders;
    return { text: encoders?.text?.dims ?? null, image: encoders?.image?.dims ?? null };
  } finally {
    await client.close();
  }
}
