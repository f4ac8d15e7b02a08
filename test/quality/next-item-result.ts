import { builtinFolder } from '../../models/named-ranker.js';
import { measureRankerCosts } from '../../models/ranker-cost.js';
import { AskedRuns } from './asked-runs.js';
import { FIRST_PHASE } from './asked-system.js';
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
  /** CPU of scoring a full list, by what ranks it, ms. */
  readonly costs: readonly { readonly name: string; readonly system: string; readonly cpuMs: number }[];
}

/** Asks everything, what learns from nothing first; what was asked before is taken again. */
export async function askNextItem(run: QualityRun, pack: NextItemPack, name: string): Promise<NextItemResult> {
  const [known, bare, anonymous, fresh] = [new AskedRuns(METRICS), new AskedRuns(METRICS), new AskedRuns(METRICS), new AskedRuns(METRICS)];
  const runsOf = new Map<MeasuredPack | null, AskedRuns>([
    [pack.known, known],
    [pack.bare, bare],
    [pack.anonymous, anonymous],
    [pack.fresh, fresh],
  ]);
  const ask = async (systems: readonly AskedSystem[]): Promise<string[]> => {
    for (const system of systems) runsOf.get(system.pack)?.add(system.name, await system.pack.evaluate(system));
    return systems.map((system) => system.name);
  };
  const vectors = await openVectorQuestions(pack.known);
  const baselines = await ask(listBaselines(pack, vectors, pack.encoders.hybridWeight)).finally(() => vectors.close());
  await ask([{ pack: pack.known, name: NAMES.deep, contender: FIRST_PHASE, depth: 200 }]);
  await ask(listShipped(pack));
  const retrieved = {
    pack: pack.known,
    name: 'retrieved',
    contender: listShipped(pack)[0]?.contender ?? FIRST_PHASE,
    legs: true,
    depth: 200,
  };
  await ask([retrieved]);
  const trained: TrainedSystem[] = [];
  for await (const system of trainSystems(pack, run.seeds)) {
    await ask([system.system]);
    trained.push(system);
  }
  const lambdaMart = trained.find(({ kind, lists }) => kind === 'LambdaMART' && lists === null)?.folder ?? null;
  await ask([...listUnknown(pack, lambdaMart), ...listFresh(pack, lambdaMart)]);
  const floors = listFloors(pack);
  await ask(floors);
  const others = listOthers(pack, name, run.artefacts);
  await ask(others.map(({ system }) => system));
  return {
    ...{ name, seeds: run.seeds, known, bare, anonymous, fresh, baselines, trained },
    retrieved: retrieved.name,
    others: [...new Set(others.map((other) => other.name))],
    floors: new Map(floors.map((floor) => [floor.share, floor.name])),
    costs: await measureCosts(trained, others),
  };
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
