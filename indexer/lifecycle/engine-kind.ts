import { z } from 'zod';
import type { EngineClient } from '../../opensearch/connection.js';
import { probeEngine } from '../../opensearch/connection.js';
import { askEngine } from '../../opensearch/engine-request.js';

/** The local node names its cluster so; it carries k-NN without native libraries. */
const LOCAL_CLUSTER = /^fuserank-/;

/** Whether the engine is the local node, which only knows lucene vectors. @throws EngineUnreachable */
export async function isLocalNode(client: EngineClient): Promise<boolean> {
  await probeEngine(client);
  const { body } = await askEngine(client, { method: 'GET', path: '/' });
  const parsed = z.object({ cluster_name: z.string() }).safeParse(body);
  return parsed.success && LOCAL_CLUSTER.test(parsed.data.cluster_name);
}
