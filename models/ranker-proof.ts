import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ArtefactMismatch } from './artefact.js';
import { changeInput, drawInput, padInput, permuteCandidates, rankingInput, stackLists } from './drawn-input.js';
import { openRanker, type Ranker, type RankingShape } from './ranker.js';

const paritySchema = z.object({
  tolerance: z.number(),
  cases: z
    .array(
      z.object({
        shape: z.object({ lists: z.number(), candidates: z.number(), history: z.number(), textDims: z.number(), imageDims: z.number() }),
        inputs: z.record(z.string(), z.array(z.number())),
        outputs: z.record(z.string(), z.array(z.number())),
      }),
    )
    .min(1),
});
export type RecordedParity = z.output<typeof paritySchema>;

/** What the training framework gave for recorded inputs. @throws ArtefactMismatch where the folder has no such record */
export function readParity(folder: string): RecordedParity {
  const file = join(folder, 'parity.json');
  try {
    return paritySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new ArtefactMismatch(`${file} is missing or no record of inputs and outputs; export the artefact again`, { cause });
  }
}

/** One thing that is proved of a ranker, or not. */
export interface ProofStep {
  readonly name: 'artefact' | 'parity' | 'behaviour';
  readonly passed: boolean;
  /** What was found, or what is wrong and how to mend it. */
  readonly detail: string;
}

/** What a ranker gives may differ by so much from what its training framework gave, and from itself on the same list in other clothes. */
const TOLERANCE = 1e-4;
const SEEDS = [1, 2, 3, 4, 5];
const MASKS = ['query_text_mask', 'query_image_mask', 'query_head_mask', 'item_text_mask', 'item_image_mask'];

/**
 * Proves an artefact from its files alone: that its bytes are those of the manifest and its columns mean what they meant (artefact), that
 * it gives here what it gave where it was trained (parity), and that lists and pads do not get in each other's way (behaviour). What
 * comes after a failed step is not tried.
 */
export async function proveRanker(folder: string): Promise<ProofStep[]> {
  const steps: ProofStep[] = [];
  let ranker: Ranker | null = null;
  try {
    ranker = await openRanker(folder);
    const bound = { textDims: ranker.dims.text ?? 6, imageDims: ranker.dims.image ?? 7 };
    steps.push({
      name: 'artefact',
      passed: true,
      detail: `${ranker.id}, ${ranker.columns.length} columns, ${ranker.inputs.length} inputs`,
    });
    steps.push(await proveParity(ranker, folder));
    if (steps.every(({ passed }) => passed)) steps.push(await proveBehaviour(ranker, bound));
  } catch (error) {
    const name = steps.length === 0 ? 'artefact' : steps.length === 1 ? 'parity' : 'behaviour';
    steps.push({ name, passed: false, detail: error instanceof Error ? error.message : String(error) });
  } finally {
    await ranker?.close();
  }
  return steps;
}

async function proveParity(ranker: Ranker, folder: string): Promise<ProofStep> {
  let worst = 0;
  const { cases } = readParity(folder);
  for (const { shape, inputs, outputs } of cases) {
    const { scores } = await ranker.score(rankingInput({ ...shape, columns: ranker.columns.length }, inputs));
    const expected = outputs['score'] ?? [];
    if (expected.length !== scores.length) {
      return {
        name: 'parity',
        passed: false,
        detail: `parity.json records ${expected.length} scores where the model gives ${scores.length}`,
      };
    }
    worst = Math.max(worst, distance(scores, expected));
  }
  const detail = `differs by ${worst.toExponential(1)} at most from what it was exported from, over ${cases.length} cases`;
  if (worst <= TOLERANCE) return { name: 'parity', passed: true, detail };
  return { name: 'parity', passed: false, detail: `${detail}; ${TOLERANCE} is allowed: export it again` };
}

async function proveBehaviour(ranker: Ranker, bound: { textDims: number; imageDims: number }): Promise<ProofStep> {
  const shape: RankingShape = { lists: 1, candidates: 9, history: 5, ...bound, columns: ranker.columns.length };
  const failed = new Set<string>();
  const expect = (what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
    if (!(distance(actual, expected) <= TOLERANCE)) failed.add(what);
  };
  const inputs = SEEDS.map((seed) => drawInput(shape, seed));
  const alone: Float32Array[] = [];
  for (const input of inputs) {
    const { scores, contributions } = await ranker.score(input);
    alone.push(scores);
    if (contributions) expect('what the modalities give adds up to the score', sumRows(contributions, ranker.modalities.length), scores);
    const exact = await ranker.contributeColumns(input);
    if (exact) {
      const parts = sumRows(exact.values, ranker.columns.length);
      expect(
        'what the columns give adds up to the score',
        parts.map((sum) => exact.expected + sum),
        scores,
      );
    }
    const order = [4, 8, 0, 2, 6, 1, 7, 5, 3];
    const permuted = (await ranker.score(permuteCandidates(input, order))).scores;
    expect(
      'moving candidates moves their scores',
      permuted,
      order.map((from) => scores[from] ?? Number.NaN),
    );
    expect('pads of the history say nothing', (await ranker.score(padInput(input, 'L', 3))).scores, scores);
    expect('pads of the list say nothing', (await ranker.score(padInput(input, 'N', 4))).scores.subarray(0, scores.length), scores);
    const bare = changeInput(input, shape, (name, values) =>
      MASKS.includes(name) || name.startsWith('history_') || name === 'columns' ? new Float32Array(values.length) : values,
    );
    await ranker.score(bare); // throws NonFiniteScores
  }
  const together = (await ranker.score(stackLists(inputs))).scores;
  expect(
    'a list scores the same alone and in a batch',
    together,
    alone.flatMap((scores) => [...scores]),
  );
  return failed.size === 0
    ? { name: 'behaviour', passed: true, detail: 'candidates in any order, pads, batches, nothing known: as it should be' }
    : { name: 'behaviour', passed: false, detail: `does not hold: ${[...failed].join('; ')}` };
}

/** The sum of each row of a row-major matrix. */
function sumRows(values: ArrayLike<number>, width: number): number[] {
  const sums = new Array<number>(values.length / width).fill(0);
  for (let at = 0; at < values.length; at += 1) {
    const row = Math.floor(at / width);
    sums[row] = (sums[row] ?? 0) + (values[at] ?? Number.NaN);
  }
  return sums;
}

/** Greatest difference, relative to values beyond 1; NaN where one is none. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let place = 0; place < expected.length; place += 1) {
    const [got, want] = [actual[place] ?? Number.NaN, expected[place] ?? Number.NaN];
    const far = Math.abs(got - want) / Math.max(1, Math.abs(want));
    if (!(far <= worst)) worst = far;
  }
  return worst;
}
