import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ArtefactMismatch } from '../../models/artefact.js';
import { changeInput, drawInput, padInput, permuteCandidates, rankingInput, stackLists } from '../../models/drawn-input.js';
import { COLUMN_NAMES, FEATURE_SET, featureSetHash } from '../../models/feature-set.js';
import {
  NonFiniteScores,
  openRanker,
  valuesOf,
  type Ranker,
  type RankerInputName,
  type RankingInput,
  type RankingShape,
} from '../../models/ranker.js';
import { rankerFolders, readParity } from './ranker-artefacts.js';

const TOLERANCE = 2e-5;
const RUNS = { numRuns: 25 };
const seeds = fc.integer({ min: 1, max: 1_000_000 });
/** Of a list, as wide as a ranker's columns. */
const shapeFor = ({ columns }: Ranker): RankingShape => ({
  lists: 1,
  candidates: 9,
  history: 5,
  textDims: 6,
  imageDims: 7,
  columns: columns.length,
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length);
  for (let place = 0; place < expected.length; place++) {
    expect(Math.abs((actual[place] ?? NaN) - (expected[place] ?? NaN))).toBeLessThanOrEqual(
      TOLERANCE * Math.max(1, Math.abs(expected[place] ?? 0)),
    );
  }
}

function withValues(input: RankingInput, names: readonly RankerInputName[], value: number): RankingInput {
  return changeInput(input, input.shape, (name, values) => (names.includes(name) ? values.map(() => value) : values));
}

const HISTORY_MASKS = ['history_mask', 'history_text_mask', 'history_image_mask'] as const;

describe.each(rankerFolders().map((folder) => [basename(folder), folder]))('ranker %s', (_name, folder) => {
  let ranker: Ranker;
  let shape: RankingShape;
  beforeAll(async () => {
    ranker = await openRanker(folder);
    shape = shapeFor(ranker);
  });
  afterAll(() => ranker.close());

  test('gives what PyTorch gave', async () => {
    const { cases, tolerance } = readParity(folder);
    expect(cases.length).toBeGreaterThan(0);
    for (const { shape: recorded, inputs, outputs } of cases) {
      const { scores } = await ranker.score(rankingInput({ ...recorded, columns: ranker.columns.length }, inputs));
      const expected = outputs['score'] ?? [];
      expect(scores).toHaveLength(expected.length);
      scores.forEach((score, place) => expect(Math.abs(score - (expected[place] ?? NaN))).toBeLessThanOrEqual(tolerance));
    }
  });

  test('permuting candidates permutes scores', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8], { minLength: 9 }), async (seed, order) => {
        const input = drawInput(shape, seed);
        const { scores } = await ranker.score(input);
        const permuted = await ranker.score(permuteCandidates(input, order));
        expectClose(
          permuted.scores,
          order.map((from) => scores[from] ?? NaN),
        );
      }),
      RUNS,
    );
  });

  test('a list scores the same alone and in a batch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(seeds, seeds, seeds), async (drawn) => {
        const inputs = drawn.map((seed) => drawInput(shape, seed));
        const together = await ranker.score(stackLists(inputs));
        const alone = await Promise.all(inputs.map((input) => ranker.score(input)));
        expectClose(
          together.scores,
          alone.flatMap(({ scores }) => [...scores]),
        );
      }),
      RUNS,
    );
  });

  test('pads never matter, whatever lies in them', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.integer({ min: 1, max: 6 }), async (seed, extra) => {
        const input = drawInput(shape, seed);
        const { scores } = await ranker.score(input);
        expectClose((await ranker.score(padInput(input, 'L', extra))).scores, scores);
        expectClose((await ranker.score(padInput(input, 'N', extra))).scores.subarray(0, shape.candidates), scores);
      }),
      RUNS,
    );
  });

  test('a masked history is no history: nothing of it changes a score', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, seeds, async (seed, other) => {
        const anonymous = withValues(drawInput(shape, seed), [...HISTORY_MASKS, 'history_brand', 'history_category'], 0);
        const noise = drawInput(shape, other);
        const names: RankerInputName[] = ['history_text', 'history_image', 'history_event', 'history_age', 'history_session'];
        const disturbed = changeInput(anonymous, shape, (name, values) => (names.includes(name) ? valuesOf(noise, name) : values));
        expectClose((await ranker.score(disturbed)).scores, (await ranker.score(anonymous)).scores);
      }),
      RUNS,
    );
  });

  test('attention and gate are shares', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const { attention, gate } = await ranker.score(drawInput(shape, seed));
        for (let row = 0; row < shape.candidates && attention; row++) {
          const weights = attention.subarray(row * shape.history, (row + 1) * shape.history);
          expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(1 + TOLERANCE);
        }
        gate?.forEach((value) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        });
      }),
      RUNS,
    );
  });

  test('refuses to give scores that are no numbers', async () => {
    const input = withValues(drawInput(shape, 3), ['columns'], NaN);
    await expect(ranker.score(input)).rejects.toThrow(NonFiniteScores);
  });
});

describe('fusion-base looks at each signal', () => {
  let ranker: Ranker;
  let shape: RankingShape;
  beforeAll(async () => {
    ranker = await openRanker(rankerFolders().find((folder) => basename(folder).startsWith('fusion-base')) ?? 'fusion-base');
    shape = shapeFor(ranker);
  });
  afterAll(() => ranker.close());

  test.each(['query_text_mask', 'query_head_mask', 'query_image_mask', 'history_text_mask', 'history_image_mask'] as const)(
    '%s',
    async (mask) => {
      const input = withValues(drawInput(shape, 11), [...HISTORY_MASKS, 'query_text_mask', 'query_head_mask', 'query_image_mask'], 1);
      const { scores } = await ranker.score(input);
      const without = await ranker.score(withValues(input, [mask], 0));
      expect(farthest(scores, without.scores)).toBeGreaterThan(0.01);
    },
  );

  test.each(['history_covisits', 'history_covisits_norm', 'history_factor'] as const)('%s', async (plane) => {
    const input = withValues(drawInput(shape, 11), ['history_mask'], 1);
    const { scores } = await ranker.score(input);
    const without = await ranker.score(withValues(input, [plane], 0));
    expect(farthest(scores, without.scores)).toBeGreaterThan(0.001);
  });

  test('the columns of popularity, co-visits and category match', async () => {
    const input = drawInput(shape, 11);
    const { scores } = await ranker.score(input);
    for (const name of ['popularity', 'popularity_in_category', 'covisit_sum', 'factor_cosine', 'query_category_match']) {
      const place = ranker.columns.indexOf(name);
      expect(place).toBeGreaterThanOrEqual(0);
      const without = await ranker.score(withoutColumn(input, place));
      expect(farthest(scores, without.scores)).toBeGreaterThan(0.001);
    }
  });

  function withoutColumn(input: RankingInput, column: number): RankingInput {
    return changeInput(input, shape, (name, values) =>
      name === 'columns' ? values.map((value, at) => (at % shape.columns === column ? 0 : value)) : values,
    );
  }

  function farthest(scores: Float32Array, others: Float32Array): number {
    return Math.max(...scores.map((score, place) => Math.abs(score - (others[place] ?? 0))));
  }
});

describe('the feature set', () => {
  test('has grown without changing what the shipped rankers were trained on', () => {
    expect(featureSetHash(COLUMN_NAMES.slice(0, 19))).toBe('bb4218a0398a78cc3168eb656d51c77c5dc30afbb3f89578283ec60b82604936');
  });

  test('hashes names, order and definitions', () => {
    expect(featureSetHash()).toBe(featureSetHash(FEATURE_SET.columns.map(({ name }) => name)));
    expect(featureSetHash(['seen', 'bought'])).not.toBe(featureSetHash(['bought', 'seen']));
    expect(() => featureSetHash(['karma'])).toThrow(/no column "karma"/);
  });
});

describe('an artefact that does not fit is refused, naming both sides', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  async function copyWith(change: (manifest: Record<string, unknown>) => void): Promise<string> {
    const [original] = rankerFolders();
    if (original === undefined) throw new Error('the repository holds no ranker');
    const folder = await mkdtemp(join(tmpdir(), 'fuserank-ranker-'));
    folders.push(folder);
    await cp(original, folder, { recursive: true });
    const file = join(folder, 'manifest.json');
    const manifest = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(file, 'utf8')));
    change(manifest);
    await writeFile(file, JSON.stringify(manifest));
    return folder;
  }

  async function refusalOf(change: (manifest: Record<string, unknown>) => void): Promise<string> {
    const error: unknown = await openRanker(await copyWith(change)).catch((reason: unknown) => reason);
    if (!(error instanceof ArtefactMismatch)) throw new Error(`expected an ArtefactMismatch, got ${String(error)}`);
    return error.message;
  }

  test('columns that mean something else now', async () => {
    const message = await refusalOf((manifest) => (manifest['featureSet'] = 'f00'));
    expect(message).toContain('f00');
    expect(message).toContain(featureSetHash(COLUMN_NAMES.slice(0, 19)));
    expect(message).toMatch(/first_phase_z, .*history_length.*train it again/);
  });

  test('columns in another order than they were trained in', async () => {
    expect(await refusalOf((manifest) => (manifest['columns'] = COLUMN_NAMES.slice(0, 19).reverse()))).toMatch(/other definitions/);
  });

  test('a column that does not exist', async () => {
    expect(await refusalOf((manifest) => (manifest['columns'] = ['first_phase_z', 'karma']))).toMatch(/do not exist here: karma;/);
  });

  test('a column listed twice', async () => {
    expect(await refusalOf((manifest) => (manifest['columns'] = ['seen', 'seen']))).toMatch(/twice/);
  });

  test('a manifest without a list of columns', async () => {
    expect(await refusalOf((manifest) => delete manifest['columns'])).toMatch(/must list its "columns"/);
  });

  test('another kind of model', async () => {
    expect(await refusalOf((manifest) => (manifest['kind'] = 'text-encoder'))).toContain('text-encoder');
  });

  test('an input that nobody computes', async () => {
    expect(await refusalOf((manifest) => (manifest['inputs'] = { horoscope: ['B', 'N'] }))).toMatch(/horoscope.*query_text/);
  });

  test('an input of other axes', async () => {
    const message = await refusalOf((manifest) => (manifest['inputs'] = { columns: ['B', 'N', 7] }));
    expect(message).toMatch(/columns has 7 along F/);
  });

  test('a manifest that leaves out what the model asks for', async () => {
    const message = await refusalOf((manifest) => (manifest['inputs'] = { columns: ['B', 'N', 'F'] }));
    expect(message).toMatch(/inputs of the manifest are columns, those of the model .*query_text/);
  });

  test('a model without scores', async () => {
    expect(await refusalOf((manifest) => (manifest['outputs'] = { attention: ['B', 'N', 'L'] }))).toContain('score');
  });
});
