import { builtinFolder } from '../../models/named-ranker.js';
import { measureRankerCosts } from '../../models/ranker-cost.js';
import { AskedRuns } from './asked-runs.js';
import { FIRST_PHASE, ranked } from './asked-system.js';
import { ALL_COLUMNS } from './column-sets.js';
import type { MeasuredPack } from './measured-pack.js';
import type { NextItemPack } from './next-item-pack.js';
import {
  listBaselines,
  listFloors,
  listFresh,
  listOthers,
  listShipped,
  listUnknown,
  NAMES,
  trainSystems,
  type AskedSystem,
  type TrainedSystem,
} from './next-item-systems.js';
import { trainLambdaMart } from './trained-rankers.js';
import type { QualityRun } from './quality-run.js';
import { openVectorQuestions } from './vector-questions.js';

export const METRICS = ['ndcg@10', 'mrr@10', 'hr@10'] as const;

/** Every system of a pack, asked. */
export interface NextItemResult {
  /** Of the pack. */
  readonly name: string;
  readonly seeds: readonly number[];
  /** Of shoppers whose history is known. */
  readonly known: AskedRuns;
  /** Of a shop without a log, and of shoppers nobody knows. */
  readonly bare: AskedRuns;
  readonly anonymous: AskedRuns;
  /** Of shoppers who want a product that has just come; empty where nobody was asked. */
  readonly fresh: AskedRuns;
  readonly baselines: readonly string[];
  readonly trained: readonly TrainedSystem[];
  /** Rankers of others: the names that they were given with. */
  readonly others: readonly string[];
  /** By the share that the tail has at least. */
  readonly floors: ReadonlyMap<number, string>;
  /** The system that keeps what the retrievers found. */
  readonly retrieved: string;
  /** Systems that are not there, where nothing may be asked. */
  readonly missing: readonly string[];
  /** CPU of scoring a full list, by what ranks it, ms. */
  readonly costs: readonly { readonly name: string; readonly system: string; readonly cpuMs: number }[];
}

/** Asks everything, what others are measured by and the shipped ranker first; what was asked before is taken again. */
export async function askNextItem(run: QualityRun, pack: NextItemPack, name: string): Promise<NextItemResult> {
  const [known, bare, anonymous, fresh] = [new AskedRuns(METRICS), new AskedRuns(METRICS), new AskedRuns(METRICS), new AskedRuns(METRICS)];
  const runsOf = new Map<MeasuredPack | null, AskedRuns>([
    [pack.known, known],
    [pack.bare, bare],
    [pack.anonymous, anonymous],
    [pack.fresh, fresh],
  ]);
  const missing: string[] = [];
  const ask = async (systems: readonly AskedSystem[]): Promise<void> => {
    for (const system of systems) {
      const file = await system.pack.findOrAsk(system);
      if (file === null) missing.push(system.pack.nameIn(system.name));
      else runsOf.get(system.pack)?.add(system.name, file);
    }
  };
  const vectors = await openVectorQuestions(pack.known);
  const baselines = listBaselines(pack, vectors, pack.encoders.hybridWeight);
  const [leading, further] = [baselines.filter(isLeading), baselines.filter((system) => !isLeading(system))];
  await ask(leading).finally(() => vectors.close());
  await ask([{ pack: pack.known, name: NAMES.deep, contender: FIRST_PHASE, depth: 200 }]);
  await ask(listShipped(pack));
  const retrieved = { pack: pack.known, name: 'retrieved', contender: ranked({ blend: 0.75 }), legs: true, depth: 200 };
  await ask([retrieved]);
  const lambdaMart =
    pack.rows && (await trainLambdaMart(pack.known, { rows: pack.rows, set: ALL_COLUMNS, size: { lists: null, seed: run.seeds[0] ?? 1 } }));
  const floors = listFloors(pack);
  await ask([...listUnknown(pack, lambdaMart), ...listFresh(pack, lambdaMart), ...floors]);
  const trained: TrainedSystem[] = [];
  for await (const system of trainSystems(pack, run.seeds)) {
    await ask([system.system]);
    if (known.has(system.system.name)) trained.push(system);
  }
  const others = listOthers(pack, name, run.artefacts);
  await ask([...others.map(({ system }) => system), ...further]);
  return {
    ...{ name, seeds: run.seeds, known, bare, anonymous, fresh, trained },
    baselines: baselines.map((system) => system.name).filter((each) => known.has(each)),
    retrieved: retrieved.name,
    missing,
    others: [...new Set(others.filter(({ system }) => known.has(system.name)).map((other) => other.name))],
    floors: new Map(floors.filter((floor) => known.has(floor.name)).map((floor) => [floor.share, floor.name])),
    costs: await measureCosts(trained, others),
  };
}

/** What others are measured by; the engine's hybrids must be asked while their encoder is open. */
function isLeading({ name, contender }: AskedSystem): boolean {
  return contender.kind === 'first-phase' || name === NAMES.popular;
}

/** What can be loaded as an artefact, each once; a mean of two dials costs what one does. */
async function measureCosts(trained: readonly TrainedSystem[], others: ReturnType<typeof listOthers>): Promise<NextItemResult['costs']> {
  const rankers = [
    { name: 'fusion-base', system: NAMES.served, folder: builtinFolder },
    ...trained
      .filter(
        ({ kind, lists, dial }, place) =>
          lists === null &&
          dial === 1 &&
          trained.findIndex((each) => each.kind === kind && each.lists === null && each.dial === 1) === place,
      )
      .map(({ name, folder, system }) => ({ name, folder, system: system.name })),
    ...others.filter(({ dial }) => dial === 1).map(({ name, folder, system }) => ({ name, folder, system: system.name })),
  ];
  const costs = await measureRankerCosts(rankers.map(({ folder }) => folder));
  return rankers.map(({ name, system }, place) => ({ name, system, cpuMs: costs[place]?.cpuMs ?? Number.NaN }));
}
