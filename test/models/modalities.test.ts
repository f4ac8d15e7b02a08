import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { openRanker } from '../../models/ranker.js';
import { proveRanker } from '../../models/ranker-proof.js';
import type { WrittenModel } from './written-model.js';
import { writeRanker } from './written-ranker.js';
import { rankingInput } from './ranker-artefacts.js';

const COLUMNS = ['first_phase_z', 'popularity', 'text_cosine'];
const WEIGHTS = [1, 2, -0.5];
const CASE = {
  shape: { lists: 1, candidates: 2, history: 1, textDims: 4, imageDims: 4 },
  inputs: { columns: [1, 0.5, 0.25, -1, 0, 1] },
  outputs: { score: [1 + 1 - 0.125, -1 - 0.5] },
};

/** Each column times its weight is what a modality gives; the score is `factor` times their sum. */
function additive(factor: number): WrittenModel {
  return {
    inputs: { columns: ['B', 'N', 3] },
    outputs: { score: ['B', 'N'], modality_contributions: ['B', 'N', 3] },
    constants: {
      weights: { type: 'float', dims: [3], values: WEIGHTS },
      each: { type: 'int64', dims: [1], values: [-1] },
      factor: { type: 'float', dims: [], values: [factor] },
    },
    nodes: [
      { op: 'Mul', inputs: ['columns', 'weights'], outputs: ['modality_contributions'] },
      { op: 'ReduceSum', inputs: ['modality_contributions', 'each'], outputs: ['sum'], attributes: { keepdims: { int: 0 } } },
      { op: 'Mul', inputs: ['sum', 'factor'], outputs: ['score'] },
    ],
  };
}

describe('a ranker whose score is a sum over modalities', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  async function written(factor: number, modalities: readonly string[] | undefined = ['words', 'counts', 'likeness']): Promise<string> {
    const cases = [{ ...CASE, outputs: { score: CASE.outputs.score.map((score) => factor * score) } }];
    const folder = await writeRanker(additive(factor), { columns: COLUMNS, modalities, cases });
    folders.push(folder);
    return folder;
  }

  test('names them and gives what each contributed', async () => {
    const ranker = await openRanker(await written(1));
    try {
      expect(ranker.modalities).toEqual(['words', 'counts', 'likeness']);
      const { contributions } = await ranker.score(rankingInput({ ...CASE.shape, columns: 3 }, CASE.inputs));
      expect(contributions).toEqual(Float32Array.of(1, 1, -0.125, -1, 0, -0.5));
    } finally {
      await ranker.close();
    }
  });

  test('is proved to be their sum', async () => {
    expect(await proveRanker(await written(1))).toMatchObject([{ passed: true }, { passed: true }, { name: 'behaviour', passed: true }]);
  });

  test('fails the proof where it is not', async () => {
    const [, , behaviour] = await proveRanker(await written(1.01));
    expect(behaviour).toMatchObject({ name: 'behaviour', passed: false });
    expect(behaviour?.detail).toContain('what the modalities give adds up to the score');
  });

  test.each([
    ['too few names', ['words', 'counts']],
    ['a name twice', ['words', 'words', 'counts']],
    ['no names', []],
    ['a name that is no word', ['words', 'Counts!', 'likeness']],
  ])('is refused with %s', async (_what, modalities) => {
    await expect(openRanker(await written(1, modalities))).rejects.toThrow(/modalit.*export it again/);
  });
});
