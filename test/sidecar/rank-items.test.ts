import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { rankItems } from '../../sidecar/v1/rank-items.js';
import { rankRequest } from '../../sidecar/v1/requests.js';
import type { OwnRouteDeps } from '../../sidecar/v1/scene.js';
import { Admission } from '../../sidecar/walk/admission.js';

const config = configSchema.parse({ profiles: { shop: { index: 'shop' } } });

/** The house around the route, its scorers busy: a turn to encode never comes. */
function openBusyHouse() {
  const admission = new Admission(() => 0);
  const outcomes: (string | null)[] = [];
  const stamp = {
    concrete: ['shop-1'],
    meta: { encoders: { text: { id: 'e' }, image: null }, vector_fields: ['title'] },
    roles: config.index.map,
    hasRankKey: true,
  };
  let turns = 0;
  const around = {
    config,
    admission,
    client: { readProducts: () => Promise.resolve([]) },
    stamps: { describe: () => Promise.resolve(stamp) },
    scorers: { facts: { textEncoder: { id: 'e' }, imageEncoder: { id: 'i' } } },
    embedding: {
      embedTexts: () => {
        turns += 1;
        return new Promise(() => undefined);
      },
    },
    observe: { outcome: ({ reason }: { reason: string | null }) => outcomes.push(reason) },
  };
  // History, statistics and the query's vectors are never asked for.
  return { deps: around as unknown as OwnRouteDeps, admission, outcomes, turns: () => turns };
}

describe('items that came with their products', () => {
  it('wait for the encoders for a while, in no room that searches need, and keep their own order then', async () => {
    const { deps, admission, outcomes, turns } = openBusyHouse();
    const request = rankRequest.parse({
      index: 'shop',
      history: [],
      items: [
        { id: 'a', score: 1, fields: { title: 'a boot' } },
        { id: 'b', score: 2, fields: { title: 'another boot' } },
      ],
    });
    const call = { headers: {}, signal: new AbortController().signal, caller: 'c', token: null };
    const waiting = Array.from({ length: admission.limit }, () => rankItems({ request, call }, deps));
    while (turns() < waiting.length) await new Promise((resolve) => setImmediate(resolve));
    const leave = admission.enter('a search');
    expect(leave).not.toBeNull();
    leave?.('in-time');
    const limit = admission.limit;
    for (const answer of await Promise.all(waiting)) {
      expect(answer).toMatchObject({ applied: false, reason: 'budget', items: [{ id: 'b' }, { id: 'a' }] });
    }
    expect(outcomes).toEqual(waiting.map(() => 'budget'));
    expect(admission.limit).toBe(limit);
  });
});
