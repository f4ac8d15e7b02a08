import { drawInput } from './drawn-input.js';
import { openRanker } from './ranker.js';

/** The load that rankers are measured under: a full window and a full history. */
export const FULL_LOAD = { lists: 1, candidates: 200, history: 50 } as const;
/** Dims of the built-in encoders, for rankers that are bound to none. */
const BUILTIN_DIMS = 256;

const ROUNDS = 8;
const RUNS_A_ROUND = 15;

/** CPU of one scoring of {@link FULL_LOAD}, ms. */
export interface RankerCost {
  readonly folder: string;
  readonly id: string;
  readonly cpuMs: number;
}

/**
 * CPU time of rankers, which take turns in one process: the median over rounds, so that neither a neighbour on the machine nor the order
 * decides. The inputs are drawn: what a model costs does not depend on what it is told.
 * @throws ArtefactMismatch
 */
export async function measureRankerCosts(folders: readonly string[]): Promise<RankerCost[]> {
  const rankers = await Promise.all(folders.map(openRanker));
  try {
    const inputs = rankers.map(({ dims, columns }) => {
      const [textDims, imageDims] = [dims.text ?? BUILTIN_DIMS, dims.image ?? BUILTIN_DIMS];
      return drawInput({ ...FULL_LOAD, textDims, imageDims, columns: columns.length }, 5);
    });
    const times = rankers.map((): number[] => []);
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [place, ranker] of rankers.entries()) {
        const input = inputs[place];
        if (!input) continue;
        const before = process.cpuUsage();
        for (let run = 0; run < RUNS_A_ROUND; run += 1) await ranker.score(input);
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) times[place]?.push((user + system) / 1000 / RUNS_A_ROUND); // the first round warms
      }
    }
    return rankers.map(({ id }, place) => ({ folder: folders[place] ?? '', id, cpuMs: medianOf(times[place] ?? []) }));
  } finally {
    await Promise.all(rankers.map((ranker) => ranker.close()));
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
