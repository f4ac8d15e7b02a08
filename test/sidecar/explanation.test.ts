import fc from 'fast-check';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnRanker } from '../../models/column-ranker.js';
import { openRanker, type Ranker } from '../../models/ranker.js';
import { SIGNALS, attributeScores, planVariants, seenSignals, shareOut, stackVariants } from '../../sidecar/explanation.js';
import { assembleFeatures, type Candidate, type CandidateList, type Item } from '../../sidecar/features.js';
import { scoreWithout } from '../../sidecar/withheld-groups.js';
import { drawnTrees, treeModel } from '../models/drawn-trees.js';
import { rankerFolders } from '../models/ranker-artefacts.js';
import { writeRanker } from '../models/written-ranker.js';
import { EVERYTHING, candidateList } from './candidate-lists.js';

const scores = (count: number) => fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: count, maxLength: count });

describe('shares', () => {
  test('sum to the whole score minus the score without signals', () => {
    fc.assert(
      fc.property(scores(SIGNALS.length + 1), scores(SIGNALS.length - 1), (forward, between) => {
        const [none, whole] = [forward[0] ?? NaN, forward.at(-1) ?? NaN];
        const total = Object.values(shareOut(SIGNALS, forward, [whole, ...between, none])).reduce((sum, share) => sum + share, 0);
        expect(total).toBeCloseTo(whole - none, 9);
      }),
    );
  });

  test('of a sum are its terms, in whatever order they arrive', () => {
    const worth = { retrieval: 1, query_text: 2, query_image: 4, business: 8, behaviour: 64, history_text: 16, history_image: 32 };
    const { forward, reverse } = planVariants(SIGNALS);
    const add = (given: ReadonlySet<keyof typeof worth>): number => [...given].reduce((sum, signal) => sum + worth[signal], 5);
    expect(shareOut(SIGNALS, forward.map(add), reverse.map(add))).toEqual(worth);
  });

  test('split what two signals do together in halves', () => {
    const { forward, reverse } = planVariants(SIGNALS);
    const both = (given: ReadonlySet<string>): number => (given.has('query_text') && given.has('history_image') ? 6 : 0);
    expect(shareOut(SIGNALS, forward.map(both), reverse.map(both))).toMatchObject({ query_text: 3, history_image: 3, business: 0 });
  });
});

test('a ranker is asked for the signals that it sees, and no others', () => {
  expect(seenSignals(EVERYTHING)).toEqual(SIGNALS);
  expect(seenSignals({ inputs: ['columns'], columns: ['popularity', 'text_cosine'] })).toEqual(['query_text', 'behaviour']);
  expect(seenSignals({ inputs: ['history_text_mask'], columns: [] })).toEqual(['history_text']);
});

test('all signals given is the list itself', () => {
  fc.assert(
    fc.property(candidateList, (list) => {
      const input = assembleFeatures(list, EVERYTHING);
      const stacked = stackVariants(input, [new Set(SIGNALS)], EVERYTHING.columns);
      expect(stacked).toEqual(input);
    }),
  );
});

const rankers: [string, () => Promise<Ranker>][] = [
  ...rankerFolders().map((folder): [string, () => Promise<Ranker>] => [basename(folder), () => openRanker(folder)]),
  ...(['co-visitation', 'popularity', 'last-item'] as const).map((name): [string, () => Promise<Ranker>] => [
    name,
    () => Promise.resolve(columnRanker(name)),
  ]),
];

describe.each(rankers)('attribution under %s', (_name, open) => {
  let ranker: Ranker;
  beforeAll(async () => {
    ranker = await open();
  });
  afterAll(() => ranker.close());

  test('explains every score within 1e-5, and names at most three products of the history', async () => {
    await fc.assert(
      fc.asyncProperty(candidateList, async (list) => {
        const input = assembleFeatures(list, ranker);
        const whole = await ranker.score(input);
        const bare = await ranker.score(stackVariants(input, [new Set()], ranker.columns));
        const attributions = await attributeScores(ranker, list);
        expect(attributions).toHaveLength(list.candidates.length);
        attributions.forEach(({ shares, history }, row) => {
          const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
          const expected = (whole.scores[row] ?? NaN) - (bare.scores[row] ?? NaN);
          expect(Math.abs(total - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
          expect(history.length).toBeLessThanOrEqual(3);
          for (const { objectId, weight } of history) {
            expect(list.history.map((entry) => entry.objectId)).toContain(objectId);
            expect(weight).toBeGreaterThan(0);
            expect(weight).toBeLessThanOrEqual(1 + 1e-5);
          }
        });
      }),
      { numRuns: 30 },
    );
  });

  test('gives a shopper without a past no share of the history', async () => {
    await fc.assert(
      fc.asyncProperty(candidateList, async (list) => {
        for (const { shares, history } of await attributeScores(ranker, { ...list, history: [] })) {
          expect(Math.abs(shares.history_text) + Math.abs(shares.history_image)).toBeLessThanOrEqual(1e-5);
          expect(history).toEqual([]);
        }
      }),
      { numRuns: 15 },
    );
  });
});

/** A ranker made of what the test wrote; its folder goes when the test is done. */
async function withRanker(folder: string, work: (ranker: Ranker) => Promise<void>): Promise<void> {
  const ranker = await openRanker(folder);
  try {
    await work(ranker);
  } finally {
    await ranker.close();
    await rm(folder, { recursive: true });
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

test('trees are explained by their columns: with what is expected they add up to the score, and by signal to the shares', async () => {
  const columns = ['first_phase_z', 'popularity', 'history_text_cosine', 'seen', 'text_cosine'];
  await fc.assert(
    fc.asyncProperty(drawnTrees({ columns: 5, trees: 6, depth: 6 }), candidateList, async (trees, list) => {
      await withRanker(await writeRanker(treeModel(trees, 5), { columns }), async (ranker) => {
        const { scores } = await ranker.score(assembleFeatures(list, ranker));
        const attributions = await attributeScores(ranker, list);
        expect(attributions).toHaveLength(list.candidates.length);
        attributions.forEach(({ score, columns: weighing, expected, shares, modalities }, row) => {
          expect(score).toBe(scores[row]);
          const parts = weighing?.map(({ contribution }) => contribution) ?? [];
          expect((expected ?? NaN) + total(parts)).toBeCloseTo(score, 4);
          expect(total(Object.values(shares))).toBeCloseTo(total(parts), 9);
          expect(shares.behaviour).toBeCloseTo(weighing?.find(({ name }) => name === 'popularity')?.contribution ?? 0, 9);
          expect(parts.map(Math.abs)).toEqual(parts.map(Math.abs).sort((a, b) => b - a));
          expect(modalities).toBeNull();
        });
      });
    }),
    { numRuns: 15 },
  );
});

test('a sum over modalities is explained by its summands', async () => {
  const columns = ['first_phase_z', 'popularity'];
  const folder = await writeRanker(
    {
      inputs: { columns: ['B', 'N', 2] },
      outputs: { score: ['B', 'N'], modality_contributions: ['B', 'N', 2] },
      constants: { weights: { type: 'float', dims: [2], values: [2, 3] }, each: { type: 'int64', dims: [1], values: [-1] } },
      nodes: [
        { op: 'Mul', inputs: ['columns', 'weights'], outputs: ['modality_contributions'] },
        { op: 'ReduceSum', inputs: ['modality_contributions', 'each'], outputs: ['score'], attributes: { keepdims: { int: 0 } } },
      ],
    },
    { columns, modalities: ['words', 'counts'] },
  );
  await withRanker(folder, async (ranker) => {
    await fc.assert(
      fc.asyncProperty(candidateList, async (list) => {
        for (const { score, modalities, columns: none } of await attributeScores(ranker, list)) {
          expect(modalities?.map(({ name }) => name)).toEqual(['words', 'counts']);
          expect(total(modalities?.map(({ contribution }) => contribution) ?? [])).toBeCloseTo(score, 5);
          expect(none).toBeNull();
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('a list without a group of signals', () => {
  test('is scored as if that had never been known', async () => {
    const ranker = await openRanker(rankerFolders().find((folder) => basename(folder).startsWith('fusion-base')) ?? 'fusion-base');
    await fc.assert(
      fc.asyncProperty(candidateList, async (list) => {
        const without = await scoreWithout(ranker, list);
        const blind = (hit: Candidate): Candidate => ({ ...hit, imageRank: null, item: hit.item && { ...hit.item, image: null } });
        const newcomer = { ...list, history: [] };
        const pictureless = {
          ...list,
          candidates: list.candidates.map(blind),
          history: list.history.map((entry) => ({ ...entry, item: entry.item && { ...entry.item, image: null } })),
          query: { ...list.query, imageVector: null, headVector: null },
        };
        for (const [group, expected] of [
          ['history', newcomer],
          ['picture', pictureless],
        ] as const) {
          const { scores, gate } = await ranker.score(assembleFeatures(expected, ranker));
          expect(without[group]).toEqual({ scores, gate: gate?.[0] ?? 1 });
        }
        const uncounted = assembleFeatures({ ...list, ...withoutStatistics(list) }, ranker);
        expect(without.counts?.scores).toEqual((await ranker.score(uncounted)).scores);
      }),
      { numRuns: 25 },
    );
    await ranker.close();
  });

  test('is not scored where the ranker does not look at the group', async () => {
    await fc.assert(
      fc.asyncProperty(candidateList, async (list) => {
        expect(Object.keys(await scoreWithout(columnRanker('last-item'), list))).toEqual(['history', 'picture']);
      }),
      { numRuns: 5 },
    );
  });

  function withoutStatistics({ candidates, history }: CandidateList): Pick<CandidateList, 'candidates' | 'history'> {
    const bare = <T extends { item: Item | null }>(holder: T): T => ({
      ...holder,
      item: holder.item && { ...holder.item, statistics: null },
    });
    return { candidates: candidates.map(bare), history: history.map(bare) };
  }
});
