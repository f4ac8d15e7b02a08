import { randomUUID } from 'node:crypto';
import { loadConfig } from '../../config/load.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { openUpstream, type Upstream } from '../../opensearch/upstream.js';
import { ErasureIndex } from '../../sidecar/behaviour/erasure-index.js';
import { EventStore } from '../../sidecar/behaviour/event-store.js';
import { UserErasure, type UserMemory } from '../../sidecar/behaviour/user-erasure.js';
import { recallHistory, type HistoryEvent } from '../../sidecar/user-history.js';
import type { UserKeys } from '../../mappings/ubi-event.js';

export const DAY_MS = 86_400_000;

/** What one instance of the sidecar knows of users, without the rest of it. */
export interface Instance {
  readonly store: EventStore;
  readonly erasures: ErasureIndex;
  readonly erasure: UserErasure;
}

/** Indices of behaviour on a real OpenSearch, under names of their own. */
export async function openBehaviour() {
  const node = await findOrStartNode({ name: 'test' });
  const upstream = openUpstream(loadConfig({ env: {}, flags: { opensearch: { nodes: [node.url] } } }).opensearch);
  const name = `behaviour_test_${randomUUID().slice(0, 8)}`;
  const behaviour = {
    events: `${name}_events`,
    queries: `${name}_queries`,
    erasures: `${name}_erasures`,
    historyLength: 5,
    ttlDays: 30,
    deleteExpired: 'own' as const,
  };
  const stores: EventStore[] = [];
  const troubles: unknown[] = [];

  async function ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const headers = { 'content-type': 'application/json' };
    const answer = await upstream.send({ method, path, ...(body ? { headers, body: JSON.stringify(body) } : {}) });
    return { status: answer.status, text: answer.body.toString('utf8') };
  }

  /** @param laid other index names, or another way to the engine */
  function open(
    laid: Partial<Pick<typeof behaviour, 'events' | 'queries'>> & {
      upstream?: Upstream;
      memories?: UserMemory[];
      lookEveryMs?: number;
    } = {},
  ): Instance {
    const way = laid.upstream ?? upstream;
    const onTrouble = (error: unknown): void => void troubles.push(error);
    const store = new EventStore({ upstream: way, behaviour: { ...behaviour, ...laid }, onTrouble });
    const erasures = new ErasureIndex({ name: behaviour.erasures, upstream: way, key: null });
    const { memories = [], lookEveryMs = 10 } = laid;
    stores.push(store);
    return { store, erasures, erasure: new UserErasure({ store, index: erasures, memories, onTrouble, reachBack: false, lookEveryMs }) };
  }

  return {
    name,
    behaviour,
    upstream,
    troubles,
    ask,
    open,
    /** Products that the next search of a shopper would look at, oldest first. */
    recall: async ({ store }: Instance, keys: UserKeys): Promise<string[]> => {
      const history: HistoryEvent[] = await recallHistory(keys, { store, behaviour, consent: 'full' });
      return history.map(({ objectId }) => objectId);
    },
    /** All that an index holds, as text. */
    read: async (index: string): Promise<string> => {
      await ask('POST', `/${index}/_refresh`);
      return (await ask('GET', `/${index}/_search?size=10000`)).text;
    },
    close: async () => {
      for (const store of stores) await store.close();
      await ask('DELETE', `/${name}_*`);
      await upstream.close();
      await node.stop();
    },
  };
}
