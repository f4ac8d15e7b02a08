import fc from 'fast-check';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnRanker } from '../../models/column-ranker.js';
import { openRanker, type Ranker } from '../../models/ranker.js';
import { SIGNALS, attributeScores, planVariants, seenSignals, shareOut, stackVariants } from '../../sidecar/explanation.js';
import { assembleFeatures } from '../../sidecar/features.js';
import { rankerFolders } from '../models/ranker-artefacts.js';
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
