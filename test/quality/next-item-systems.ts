import type { TrainingSize } from './trained-rankers.js';
import { tuneShipped, trainLambdaMart } from './trained-rankers.js';
import { FIRST_PHASE, ranked, type System } from './asked-system.js';
import { ALL_COLUMNS, WITHOUT_COSINES } from './column-sets.js';
import type { MeasuredPack } from './measured-pack.js';
import { FLOORS, nameFloor, type NextItemPack } from './next-item-pack.js';
import type { QualityRun } from './quality-run.js';
import type { VectorQuestions } from './vector-questions.js';

/** Names that tables, verdicts and plots look systems up by. */
export const NAMES = {
  first: 'first phase',
  deep: 'first phase, 200 deep',
  popular: 'first phase + popularity',
  lambdaMart: 'LambdaMART, columns with cosines',
  served: 'fusion-base, dial .75',
  alone: 'fusion-base, dial 1',
} as const;

/** A system, and the view of the pack that it answers. */
export interface AskedSystem extends System {
  readonly pack: MeasuredPack;
}

/** Baselines that look at one number each. */
const COLUMNS = ['popularity', 'co-visitation', 'item-knn', 'last-item'] as const;

export function listBaselines({ known }: NextItemPack, vectors: VectorQuestions, vectorWeight: number): AskedSystem[] {
  return [
    { pack: known, name: NAMES.first, contender: FIRST_PHASE },
    { pack: known, name: `hybrid, min-max, vectors ${vectorWeight}`, contender: FIRST_PHASE, question: vectors.convex(vectorWeight) },
    { pack: known, name: 'hybrid, reciprocal ranks', contender: FIRST_PHASE, question: vectors.fused },
    { pack: known, name: 'text vectors alone', contender: FIRST_PHASE, question: vectors.neighbours },
    ...COLUMNS.map((ranker) => ({ pack: known, name: ranker, contender: ranked({ ranker, blend: 1 }) })),
    { pack: known, name: NAMES.popular, contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
    { pack: known, name: 'first phase + co-visitation', contender: ranked({ ranker: 'co-visitation', blend: 0.5 }) },
  ];
}

export function listShipped({ known }: NextItemPack): AskedSystem[] {
  return [
    { pack: known, name: NAMES.served, contender: ranked({ blend: 0.75 }) },
    { pack: known, name: NAMES.alone, contender: ranked({ blend: 1 }) },
  ];
}

/** Of shoppers nobody knows, in a shop with a log and in one without. */
export function listUnknown({ anonymous, bare }: NextItemPack, lambdaMart: string | null): AskedSystem[] {
  return [
    { pack: bare, name: NAMES.first, contender: FIRST_PHASE },
    { pack: bare, name: NAMES.served, contender: ranked({ blend: 0.75 }) },
    { pack: bare, name: NAMES.alone, contender: ranked({ blend: 1 }) },
    { pack: anonymous, name: NAMES.first, contender: FIRST_PHASE },
    { pack: anonymous, name: NAMES.popular, contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
    ...(lambdaMart === null ? [] : [{ pack: anonymous, name: NAMES.lambdaMart, contender: ranked({ ranker: lambdaMart, blend: 1 }) }]),
    { pack: anonymous, name: NAMES.served, contender: ranked({ blend: 0.75 }) },
    { pack: anonymous, name: NAMES.alone, contender: ranked({ blend: 1 }) },
  ];
}

/** Of shoppers who want a product that has just come. */
export function listFresh({ fresh }: NextItemPack, lambdaMart: string | null): AskedSystem[] {
  if (!fresh) return [];
  return [
    { pack: fresh, name: NAMES.first, contender: FIRST_PHASE },
    { pack: fresh, name: NAMES.popular, contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
    ...(lambdaMart === null ? [] : [{ pack: fresh, name: NAMES.lambdaMart, contender: ranked({ ranker: lambdaMart, blend: 1 }) }]),
    { pack: fresh, name: NAMES.served, contender: ranked({ blend: 0.75 }) },
    { pack: fresh, name: NAMES.alone, contender: ranked({ blend: 1 }) },
  ];
}

/** The shipped ranker, with room held open for the tail. */
export function listFloors({ known }: NextItemPack): (AskedSystem & { readonly share: number })[] {
  return FLOORS.map((share) => ({
    pack: known,
    share,
    name: `floor ${String(share).replace(/^0/, '')}`,
    contender: ranked({ profile: nameFloor(share), blend: 0.75 }),
  }));
}

/** Rankers of others, each at both dials; `{pack}` in a folder's path stands for the pack's name. */
export function listOthers(
  { known }: NextItemPack,
  pack: string,
  artefacts: QualityRun['artefacts'],
): { name: string; dial: Dial; folder: string; system: AskedSystem }[] {
  return [...artefacts].flatMap(([name, path]) => {
    const folder = path.replaceAll('{pack}', pack);
    return DIALS.map((dial) => ({
      ...{ name, dial, folder },
      system: { pack: known, name: nameAt(name, dial), contender: ranked({ ranker: folder, blend: dial }) },
    }));
  });
}

export const DIALS = [0.75, 1] as const;
export type Dial = (typeof DIALS)[number];

export function nameAt(name: string, dial: number): string {
  return `${name}, dial ${String(dial).replace(/^0/, '')}`;
}

/** Of what is trained in the pack, by how much it learnt from; null = all. */
export const LEARNT_FROM: readonly (number | null)[] = [500, 2_000, null];

/** A ranker trained in the pack, by seed. */
export interface TrainedSystem {
  /** Without its seed. */
  readonly name: string;
  readonly kind: 'tuned' | 'LambdaMART' | 'LambdaMART without cosines';
  readonly lists: number | null;
  readonly dial: Dial;
  readonly seed: number;
  readonly folder: string;
  readonly system: AskedSystem;
}

/** Trains and lists what learns from the pack's own lists: LambdaMART with one seed before the next, so that a run that is cut off has most of the table. */
export async function* trainSystems(pack: NextItemPack, seeds: readonly number[]): AsyncGenerator<TrainedSystem> {
  const { known, rows } = pack;
  if (!rows) return;
  for (const [turn, seed] of seeds.entries()) {
    for (const lists of [...LEARNT_FROM].reverse()) {
      const size: TrainingSize = { lists, seed };
      const folder = await trainLambdaMart(known, { rows, set: ALL_COLUMNS, size });
      if (folder === null) continue;
      yield trainedSystem(pack, { kind: 'LambdaMART', dial: 1, folder, ...size });
      if (turn === 0 && lists === null) {
        yield trainedSystem(pack, { kind: 'LambdaMART', dial: 0.75, folder, ...size });
        const counts = await trainLambdaMart(known, { rows, set: WITHOUT_COSINES, size });
        if (counts !== null) yield trainedSystem(pack, { kind: 'LambdaMART without cosines', dial: 1, folder: counts, ...size });
      }
    }
  }
  for (const seed of seeds) {
    for (const lists of LEARNT_FROM) {
      const folder = await tuneShipped(known, { rows, size: { lists, seed } });
      if (folder === null) continue;
      for (const dial of DIALS) yield trainedSystem(pack, { kind: 'tuned', dial, folder, lists, seed });
    }
  }
}

function trainedSystem({ known }: NextItemPack, of: Pick<TrainedSystem, 'kind' | 'lists' | 'dial' | 'seed' | 'folder'>): TrainedSystem {
  const name = nameTrained(of);
  return {
    ...of,
    name,
    system: { pack: known, name: `${name}, seed ${of.seed}`, contender: ranked({ ranker: of.folder, blend: of.dial }) },
  };
}

const KINDS: Record<TrainedSystem['kind'], string> = {
  tuned: 'fusion-base tuned',
  LambdaMART: 'LambdaMART with cosines',
  'LambdaMART without cosines': 'LambdaMART without cosines',
};

export function nameTrained({ kind, lists, dial }: Pick<TrainedSystem, 'kind' | 'lists' | 'dial'>): string {
  return nameAt(`${KINDS[kind]}, ${lists === null ? 'all' : lists.toLocaleString('en')} lists`, dial);
}
