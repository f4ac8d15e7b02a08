import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { UbiQuery } from '../../mappings/ubi-event.js';
import { SearchRecorder, type ShownSearch } from '../../sidecar/behaviour/search-recorder.js';

const ubi = {
  queryId: 'q',
  held: true,
  recorded: true,
  clientId: null,
  userQuery: null,
  attributes: {},
  application: null,
  objectIdField: null,
} satisfies ShownSearch['ubi'];

function shown(hits: number, { id = 'p', filler = '' } = {}): ShownSearch {
  const body = Buffer.from(
    JSON.stringify({ hits: { hits: Array.from({ length: hits }, (_, place) => ({ _id: `${id}${place}`, _source: { filler } })) } }),
  );
  return { ubi, startedAt: 0, user: 'u', client: null, session: null, queryText: 'boots', query: null, body, ranking: {} };
}

/** A recorder whose store hangs until it is let go. */
function openRecorder() {
  const stored: UbiQuery[] = [];
  const goOn: (() => void)[] = [];
  const outcomes: string[] = [];
  const recorder = new SearchRecorder({
    store: (queries) => {
      stored.push(...queries);
      return new Promise((resolve) => goOn.push(resolve));
    },
    erased: { coverSince: () => false },
    onOutcome: (outcome, error) => outcomes.push(error instanceof Error ? `${outcome}: ${error.message}` : outcome),
  });
  return { recorder, stored, goOn, outcomes };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('searches that wait to be taken down', () => {
  it('hold what is to be written, not their answers', async () => {
    setFlagsFromString('--expose_gc');
    const gc = runInNewContext('gc') as () => void;
    const { recorder, stored, goOn, outcomes } = openRecorder();
    const bodies = Array.from({ length: 20 }, () => {
      const search = shown(10, { filler: 'x'.repeat(10_000) });
      recorder.take(search);
      return new WeakRef(search.body);
    });
    await turn();
    await turn();
    expect(stored).toHaveLength(20);
    expect(stored[0]?.query_response_hit_ids).toHaveLength(10);
    gc();
    expect(bodies.filter((body) => body.deref() !== undefined)).toHaveLength(0);
    goOn.forEach((finish) => finish());
    await recorder.close();
    expect(outcomes).toEqual(Array.from({ length: 20 }, () => 'stored'));
  });

  it('are as many as fit, by number and by size; the others are told to be missing', async () => {
    const { recorder, goOn, outcomes } = openRecorder();
    for (let count = 0; count < 1_001; count += 1) recorder.take(shown(1));
    expect(outcomes).toEqual(['failed: 1000 searches wait to be written already']);
    await turn();
    goOn.splice(0).forEach((finish) => finish());
    await recorder.close();

    outcomes.splice(0);
    for (let count = 0; count < 60; count += 1) recorder.take(shown(2_000, { id: 'p'.repeat(200) }));
    while (goOn.length + outcomes.length < 60) await turn();
    expect(goOn.length).toBeGreaterThan(30);
    expect(outcomes.length).toBeGreaterThan(0);
    expect(new Set(outcomes)).toEqual(new Set(['failed: searches of 16 MB wait to be written already']));
    goOn.splice(0).forEach((finish) => finish());
    await recorder.close();
    recorder.take(shown(1));
    await turn();
    await turn();
    expect(goOn).toHaveLength(1);
    goOn[0]?.();
    await recorder.close();
  });
});
