import { beauty } from '../../docs/examples/beauty/adapter.js';
import type { Adapter } from '../../docs/examples/kit/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { parseMetrics } from '../../tuning/metrics/metric-name.js';
import { reportRun } from '../../tuning/evaluate/run-report.js';
import type { Table } from '../measured-page.js';
import { listEncoderSets, type EncoderSet } from './catalogue-door.js';
import { ABLATIONS, ALL_COLUMNS, WITHOUT_COSINES } from './column-sets.js';
import {
  describeTraining,
  exportTrainingRows,
  PYTHON_VARIABLE,
  trainLambdaMart,
  type TrainedRanker,
  type TrainingRows,
} from './lambdamart.js';
import { FIRST_PHASE, MeasuredPack, ranked, type System } from './measured-pack.js';
import type { QualityRun } from './quality-run.js';
import { formatShare, type QualitySection } from './quality-section.js';
import { metricOf, pairSystems, sliceTable, systemTable, type PairedSystem } from './system-table.js';

export const METRICS = ['ndcg@10', 'mrr', 'hr@10'] as const;
const RECALL = 'recall@200';
const SHOPPERS = 2_000;
const DAY_MS = 86_400_000;
const SLICES = ['bare-category', 'with-word', 'history:0', 'history:1-4', 'history:5-19', 'history:20+'] as const;
const OURS = 'fusion-base, blend .75';
/** A 5-core gives every product five events; where they are all known, none of them betrays a target (core-packs.ts). */
export const KNOWN_EVENTS = 5;

/** Baselines that look at one number each. */
const COLUMNS = ['popularity', 'co-visitation', 'item-knn', 'last-item'] as const;

const ABOUT: Readonly<Record<string, { title: string; data: string; remark: string }>> = {
  beauty: {
    title: 'Beauty: which product comes next',
    data: 'Amazon Beauty reviews as sequences (5-core, S3-Rec’s files) with titles, brands and categories',
    remark: 'A word that is added to a category is one of the target’s title, so `with-word` is easier than typing would be.',
  },
  sports: {
    title: 'Sports: the same without titles',
    data: 'Amazon Sports reviews as sequences (5-core, S3-Rec’s files) with brands and categories',
    remark: 'No product has a title: brand and narrowest category stand in its place, so the word that is added to a category is a brand.',
  },
};

export const measureBeauty = (run: QualityRun): Promise<QualitySection> => measureNextItem(run, beauty);
export const measureSports = (run: QualityRun): Promise<QualitySection> => measureNextItem(run, sports);

/** Derived queries for the product that each shopper met last, ranked for what she had met before. */
async function measureNextItem(run: QualityRun, adapter: Adapter): Promise<QualitySection> {
  const about = ABOUT[adapter.name];
  if (!about) throw new Error(`nothing is known of the pack ${adapter.name}`);
  const { pack, rows, encoders } = await openNextItemPack(run, adapter, { knownEvents: KNOWN_EVENTS });
  try {
    const trained: TrainedRanker[] = [];
    if (rows) for (const set of [WITHOUT_COSINES, ALL_COLUMNS]) trained.push(await trainLambdaMart(run, pack, { rows, set }));
    const systems = listSystems(trained);
    const runs: { name: string; file: string }[] = [];
    for (const system of systems) runs.push({ name: system.name, file: await pack.evaluate(system) });
    const paired = await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: [...METRICS, RECALL] });
    const ablation =
      rows && (await ablate(run, pack, { rows, whole: runs.find(({ name }) => name === nameLambdaMart(ALL_COLUMNS.name))?.file ?? '' }));
    return {
      name: adapter.name,
      title: about.title,
      variables: PYTHON_VARIABLE,
      about:
        `${about.data}: the ${pack.facts.documents.toLocaleString('en')} products with at least ${KNOWN_EVENTS} events before each shopper’s last two (why: the section on 5-cores); of ${pack.questions.queries.length.toLocaleString('en')} shoppers, drawn by a seed, the last ` +
        'product is the only judgment and the target of a query that nobody typed: its narrowest category, and in about a third of the cases one ' +
        `more word. What she met before goes along as her history; neither events nor statistics know the target. First phase: the search that \`fuserank evaluate\` asks ` +
        `(\`cross_fields\` over ${pack.facts.roles.text.join(', ')}, the first counting double), window 200; the sidecar adds up to 50 hits of the text vectors (${encoders.textName}). ` +
        'A ranker at blend 1 alone decides the order; at .5 and .75 it shares it with the first phase.',
      tables: [
        {
          caption: `${pack.questions.queries.length.toLocaleString('en')} shoppers; differences of ${METRICS[0]} to the first phase (A), paired`,
          table: systemTable(paired, { metrics: METRICS, digits: 3 }),
        },
        ...(ablation
          ? [
              {
                caption: `LambdaMART with groups of columns left out, or alone: differences of ${METRICS[0]} to all columns (A), paired`,
                table: ablation,
              },
            ]
          : []),
        { caption: `${METRICS[0]} by kind of query and by length of the history`, table: sliceTable(paired, { tags: SLICES, digits: 3 }) },
      ],
      remarks: [await tellRecall(paired), tellModels(paired), ...describeTraining(rows), about.remark, ...HONESTY],
    };
  } finally {
    await pack.close();
  }
}

/** The pack, cut and brought in, and rows to train on. */
export async function openNextItemPack(
  run: QualityRun,
  adapter: Adapter,
  { knownEvents, cut }: { knownEvents: number; cut?: string },
): Promise<{ pack: MeasuredPack; rows: TrainingRows | null; encoders: EncoderSet }> {
  const encoders = listEncoderSets(run.data).at(-1);
  if (!encoders) throw new Error('there are no encoders');
  const now = new Date();
  const flags = { 'known-events': String(knownEvents) };
  const pack = await MeasuredPack.open({ run, adapter, encoders, queries: SHOPPERS, now, flags, ...(cut === undefined ? {} : { cut }) });
  try {
    run.tell(`${pack.alias}: events and statistics`);
    await pack.command('events', 'import', `${pack.folder}/events.ndjson`, '--quiet');
    await pack.command('statistics', '--alias', pack.alias, '--quiet');
    return { pack, encoders, rows: await exportTrainingRows(run, pack, { lastEvent: new Date(now.getTime() - DAY_MS) }) };
  } catch (error) {
    await pack.close();
    throw error;
  }
}

/** How much each group of columns gives: LambdaMART trained anew without it, and on it alone. */
export async function ablate(
  run: QualityRun,
  pack: MeasuredPack,
  { rows, whole }: { rows: TrainingRows; /** Run file of all columns. */ whole: string },
): Promise<Table> {
  const runs = [{ name: 'all columns', file: whole }];
  for (const set of ABLATIONS) {
    const { name, folder } = await trainLambdaMart(run, pack, { rows, set });
    runs.push({ name, file: await pack.evaluate({ name: `LambdaMART, ${name}`, contender: ranked({ ranker: folder, blend: 1 }) }) });
  }
  return systemTable(await pairSystems(runs, { baseline: whole, metrics: [...METRICS] }), { metrics: METRICS, digits: 3 });
}

const HONESTY = [
  'A derived query names the narrowest category of its target, so how well a product’s categories match the query (`query_category_match`) tells more here than typed words would; the ablation shows how much of LambdaMART’s gain that is.',
  'The target is the development target of the pack, not the shoppers’ final item, and candidates are what a search for its category returns: the figures are not those of papers that rank all items.',
  'The data tell the order of events alone; times are made (one a day), so nothing of 7 days is reported.',
  'Nothing of this pack trained the shipped ranker; LambdaMART and the statistics had its events, as a shop’s own would.',
];

const nameLambdaMart = (columns: string): string => `LambdaMART, ${columns}, blend 1`;

function listSystems(trained: readonly TrainedRanker[]): System[] {
  return [
    { name: 'first phase', contender: FIRST_PHASE },
    ...COLUMNS.map((ranker) => ({ name: `${ranker}, blend 1`, contender: ranked({ ranker, blend: 1 }) })),
    { name: 'popularity, blend .5', contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
    { name: 'co-visitation, blend .5', contender: ranked({ ranker: 'co-visitation', blend: 0.5 }) },
    ...trained.map(({ name, folder }) => ({ name: nameLambdaMart(name), contender: ranked({ ranker: folder, blend: 1 }) })),
    { name: OURS, contender: ranked(), legs: true },
    { name: 'fusion-base, blend 1', contender: ranked({ blend: 1 }) },
  ];
}

/** Could ranking have won? What the first phase alone holds, and what the sidecar's retrievers hold together. */
async function tellRecall(systems: readonly PairedSystem[]): Promise<string> {
  const ours = systems.find(({ name }) => name === OURS)?.comparison;
  if (!ours) throw new Error(`there is no system ${OURS}`);
  const metrics = parseMetrics('leg_recall@200');
  const { legs } = await reportRun(ours.runs.b.file, { metrics, documents: 0, unjudged: 0, unknown: 0 });
  const recall = legs.get(metrics[0]?.name ?? '');
  if (!recall) throw new Error(`${ours.runs.b.file} keeps no legs`);
  return (
    `Could ranking have won? ${RECALL} of the first phase ${formatShare(metricOf(ours, RECALL).meanA)}, of the text vectors ` +
    `${formatShare(recall.legs['text'] ?? Number.NaN)} (100 neighbours), of both together ${formatShare(recall.fused)}: what is not retrieved no ranker can bring up.`
  );
}

function tellModels(systems: readonly PairedSystem[]): string {
  const models = systems.flatMap(({ name, comparison }) => {
    const { model } = comparison.runs.b;
    return model === null || model.endsWith('@column') ? [] : [`${name}: \`${model}\``];
  });
  return `Artefacts (name, version, beginning of the sha256 of the model): ${models.join('; ')}.`;
}
