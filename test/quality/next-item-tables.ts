import { reportRun } from '../../tuning/evaluate/run-report.js';
import { parseMetrics } from '../../tuning/metrics/metric-name.js';
import { readVectors } from './catalogue-door.js';
import { exposureTable, measureExposure, type CatalogueFacts } from './exposure-table.js';
import { formatChange, formatPercent, gainTable, seedTable, sliceGainTable, type SeededRuns } from './gain-table.js';
import type { NextItemPack } from './next-item-pack.js';
import { METRICS, type NextItemResult } from './next-item-result.js';
import { DIALS, LEARNT_FROM, nameAt, nameTrained, NAMES, type Dial, type TrainedSystem } from './next-item-systems.js';
import type { QualitySection } from './quality-section.js';
import { formatShare } from './quality-section.js';
import { countEvents, findSmallBrands, readBrands, shelveProducts } from './shelves.js';
import { sliceTable } from './system-table.js';

type ShownTable = QualitySection['tables'][number];

const RECALL = 'recall@200';
const TAGS = [
  ...['bare-category', 'with-word', 'history:0', 'history:1-4', 'history:5-19', 'history:20+'],
  ...['target:head', 'target:middle', 'target:tail'],
];

/** What the main table shows: baselines, the shipped ranker, what learnt from all lists with the first seed, rankers of others. */
export function listShown({ known, seeds, baselines, trained, others }: NextItemResult): string[] {
  const whole = trained.filter(({ seed, lists }) => seed === seeds[0] && lists === null);
  return [
    ...baselines,
    ...whole.filter(({ kind }) => kind !== 'tuned').map(({ system }) => system.name),
    ...[NAMES.served, NAMES.alone],
    ...whole.filter(({ kind }) => kind === 'tuned').map(({ system }) => system.name),
    ...others.flatMap((name) => DIALS.map((dial) => nameAt(name, dial))),
  ].filter((name) => known.has(name));
}

export async function mainTable(result: NextItemResult, queries: string): Promise<ShownTable> {
  const { known } = result;
  const shown = listShown(result);
  const overFirst = await known.pair(shown, NAMES.first);
  const overPopular = await known.pair(shown, NAMES.popular);
  return {
    caption: `${queries} shoppers; harm, wins, losses and verdict are against the first phase, paired`,
    table: gainTable(overFirst, {
      metrics: METRICS,
      over: new Map([
        ['first phase', overFirst],
        ['first phase + popularity', overPopular],
      ]),
    }),
  };
}

/** Runs of one recipe over its seeds, paired with the shipped ranker at the same dial; null where it was not trained. */
export async function seedRuns(
  { known, trained }: NextItemResult,
  recipe: Pick<TrainedSystem, 'kind' | 'lists' | 'dial'>,
): Promise<SeededRuns | null> {
  const mine = trained.filter(({ kind, lists, dial }) => kind === recipe.kind && lists === recipe.lists && dial === recipe.dial);
  if (mine.length === 0) return null;
  const baseline = recipe.dial === 1 ? NAMES.alone : NAMES.served;
  const paired = await known.pair(
    mine.map(({ system }) => system.name),
    baseline,
  );
  return { name: nameTrained(recipe), comparisons: paired.map(({ comparison }) => comparison) };
}

/** One table a dial: what was trained in the pack, by how much it learnt from. */
export async function seedTables(result: NextItemResult): Promise<ShownTable[]> {
  const tables = await Promise.all(DIALS.map((dial) => seedTableOf(result, dial)));
  return tables.filter((table) => table !== null);
}

async function seedTableOf(result: NextItemResult, dial: Dial): Promise<ShownTable | null> {
  const recipes: (SeededRuns & { rival: SeededRuns | null })[] = [];
  for (const lists of LEARNT_FROM) {
    const rival = await seedRuns(result, { kind: 'LambdaMART', lists, dial });
    const tuned = await seedRuns(result, { kind: 'tuned', lists, dial });
    if (rival) recipes.push({ ...rival, rival: null });
    if (tuned) recipes.push({ ...tuned, rival: rival?.comparisons.length === tuned.comparisons.length ? rival : null });
  }
  if (recipes.length === 0) return null;
  return {
    caption: `${METRICS[0]} of what was trained in the pack, by seed, at dial ${String(dial).replace(/^0/, '')}; gains are of each shopper’s mean over the seeds`,
    table: seedTable(recipes, { seeds: result.seeds, baseline: `fusion-base as shipped, dial ${String(dial).replace(/^0/, '')}` }),
  };
}

export async function unknownTables({ bare, anonymous, fresh }: NextItemResult): Promise<ShownTable[]> {
  const captions = [
    [bare, 'A shop without any log: no events, no statistics, nobody is known; the first phase is asked the same way'],
    [anonymous, 'Shoppers nobody knows, in a shop with a log: statistics, and no history'],
    [fresh, 'Shoppers who want a product that has just come: statistics know no event of every fifth product, and these are the targets'],
  ] as const;
  return Promise.all(
    captions
      .filter(([runs]) => runs.has(NAMES.first) && runs.has(NAMES.served))
      .map(async ([runs, caption]) => {
        const paired = await runs.pair(runs.names, NAMES.first);
        const over = new Map([['first phase', paired]]);
        if (runs.has(NAMES.popular)) over.set('first phase + popularity', await runs.pair(runs.names, NAMES.popular));
        const shoppers = paired[0]?.comparison.queries.compared.toLocaleString('en') ?? '';
        return { caption: `${caption} (${shoppers} shoppers)`, table: gainTable(paired, { metrics: METRICS, over }) };
      }),
  );
}

export async function sliceTables(result: NextItemResult): Promise<ShownTable[]> {
  const shown = await result.known.pair(listShown(result), NAMES.first);
  const shipped = shown.filter(({ name }) => name === NAMES.served || name === NAMES.alone);
  return [
    {
      caption: `${METRICS[0]} by kind of query, by length of the history, and by how often the target was met (thirds of the products)`,
      table: sliceTable(shown, { tags: TAGS, digits: 3 }),
    },
    { caption: 'The shipped ranker over the first phase, in the same slices', table: sliceGainTable(shipped, { tags: TAGS }) },
  ];
}

/** Who gets to be seen, by system; and what it costs to hold room open for the tail. */
export async function fairnessTables(pack: NextItemPack, result: NextItemResult): Promise<ShownTable[]> {
  const facts = await readCatalogue(pack);
  const { known, floors } = result;
  const systems: { name: string; exposure: Awaited<ReturnType<typeof measureExposure>> }[] = [];
  for (const name of listShown(result)) systems.push({ name, exposure: await measureExposure(known.fileOf(name), facts) });
  const rows: string[][] = [];
  for (const name of [NAMES.served, ...floors.values()]) {
    const { comparison } = await known.pairOf(name, NAMES.served);
    const exposure = await measureExposure(known.fileOf(name), facts);
    const [leading] = comparison.metrics;
    rows.push([
      name,
      formatShare(leading?.meanB ?? Number.NaN),
      name === NAMES.served || !leading ? '' : formatChange(leading),
      formatPercent(exposure.shares.get(TAIL) ?? Number.NaN),
      formatShare(exposure.coverage),
      formatShare(exposure.gini),
    ]);
  }
  const seen = { caption: 'Who is seen: of the first ten hits', table: exposureTable(systems, facts) };
  if (floors.size === 0) return [seen];
  return [
    seen,
    {
      caption:
        'What it costs to hold room open: `diversity.floor` for the tail’s products, of the first 24 places, nobody moved by more than 12',
      table: { columns: ['system', METRICS[0], 'change', `attention: ${TAIL}`, 'coverage@10', 'Gini@10'], rows },
    },
  ];
}

const TAIL = 'tail';

async function readCatalogue({ known }: NextItemPack): Promise<CatalogueFacts> {
  const events = await countEvents(known.folder);
  const brands = await readBrands(known.folder);
  const small = findSmallBrands(brands, events);
  const shelves = shelveProducts(events);
  const idsWhere = (is: (id: string) => boolean): Set<string> => new Set([...events.keys()].filter(is));
  const vectors = await readVectors(known.engine, known.alias);
  return {
    size: events.size,
    vectors: new Map([...vectors].flatMap(([id, { text }]) => (text ? [[id, text] as const] : []))),
    popularity: { counts: events, catalogueSize: events.size },
    groups: new Map([
      [TAIL, idsWhere((id) => shelves.get(id) === 'tail')],
      ['head', idsWhere((id) => shelves.get(id) === 'head')],
      ['small brands', idsWhere((id) => small.has(brands.get(id) ?? ''))],
      ['no brand', idsWhere((id) => !brands.has(id))],
    ]),
  };
}

/** What the page was written without. */
export function tellMissing({ missing, seeds }: NextItemResult): string[] {
  const seeded = seeds.length < 3 ? [`Trained with ${seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`}, not three.`] : [];
  return missing.length === 0 ? seeded : [...seeded, `Not asked when this was written: ${missing.join('; ')}.`];
}

/** Could ranking have won? What the first phase alone holds, and what the sidecar's retrievers hold together. */
export async function tellRecall({ known, retrieved }: NextItemResult): Promise<string> {
  const recallOf = async (name: string): Promise<string> => {
    const { summary } = await reportRun(known.fileOf(name), { metrics: parseMetrics(RECALL), documents: 0, unjudged: 0 });
    return formatShare(summary.metrics[RECALL] ?? Number.NaN);
  };
  if (!known.has(retrieved)) return 'What the retrievers found was not asked.';
  const metrics = parseMetrics('leg_recall@200');
  const { legs } = await reportRun(known.fileOf(retrieved), { metrics, documents: 0, unjudged: 0 });
  const recall = legs.get(metrics[0]?.name ?? '');
  if (!recall) throw new Error(`${known.fileOf(retrieved)} keeps no legs`);
  return (
    `Could ranking have won? ${RECALL} of the first phase ${await recallOf(NAMES.deep)}, of the text vectors ` +
    `${formatShare(recall.legs['text'] ?? Number.NaN)} (100 neighbours), of both together ${formatShare(recall.fused)}, of the ranked list ${await recallOf(retrieved)}: what is not retrieved no ranker can bring up.`
  );
}

export async function tellModels(result: NextItemResult): Promise<string> {
  const paired = await result.known.pair(listShown(result), NAMES.first);
  const models = paired.flatMap(({ name, comparison }) => {
    const { model } = comparison.runs.b;
    return model === null || model.endsWith('@column') ? [] : [`${name}: \`${model}\``];
  });
  return `Artefacts (name, version, beginning of the sha256 of the model): ${models.join('; ')}.`;
}

export function costTable({ costs }: NextItemResult): ShownTable {
  const rival = costs.find(({ name }) => name.startsWith('LambdaMART with cosines'))?.cpuMs ?? Number.NaN;
  return {
    caption: 'CPU of scoring 200 candidates with 50 events, taking turns in one process',
    table: {
      columns: ['ranker', 'ms', '× LambdaMART with cosines'],
      rows: costs.map(({ name, cpuMs }) => [name, cpuMs.toFixed(2), Number.isNaN(rival) ? '' : (cpuMs / rival).toFixed(2)]),
    },
  };
}
