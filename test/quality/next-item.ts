import { beauty } from '../../docs/examples/beauty/adapter.js';
import type { Adapter } from '../../docs/examples/kit/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { parseMetrics } from '../../tuning/metrics/metric-name.js';
import { reportRun } from '../../tuning/evaluate/run-report.js';
import { listEncoderSets } from './catalogue-door.js';
import { describeTraining, PYTHON_VARIABLE, trainLambdaMart, type TrainedRanker } from './lambdamart.js';
import { FIRST_PHASE, MeasuredPack, ranked, type System } from './measured-pack.js';
import type { QualityRun } from './quality-run.js';
import { formatShare, type QualitySection } from './quality-section.js';
import { metricOf, pairSystems, sliceTable, systemTable, type PairedSystem } from './system-table.js';

const METRICS = ['ndcg@10', 'mrr', 'hr@10'] as const;
const RECALL = 'recall@200';
const SHOPPERS = 2_000;
const DAY_MS = 86_400_000;
const SLICES = ['bare-category', 'with-word', 'history:0', 'history:1-4', 'history:5-19', 'history:20+'] as const;
const OURS = 'fusion-base, blend .75';

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
  const encoders = listEncoderSets(run.data).at(-1);
  const about = ABOUT[adapter.name];
  if (!encoders || !about) throw new Error(`nothing is known of the pack ${adapter.name}`);
  const now = new Date();
  const pack = await MeasuredPack.open({ run, adapter, encoders, queries: SHOPPERS, now });
  try {
    run.tell(`${pack.alias}: events and statistics`);
    await pack.command('events', 'import', `${pack.folder}/events.ndjson`, '--quiet');
    await pack.command('statistics', '--alias', pack.alias, '--quiet');
    const trained = await trainLambdaMart(run, pack, { lastEvent: new Date(now.getTime() - DAY_MS) });
    const systems = listSystems(trained?.rankers ?? []);
    const runs: { name: string; file: string }[] = [];
    for (const system of systems) runs.push({ name: system.name, file: await pack.evaluate(system) });
    const paired = await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: [...METRICS, RECALL] });
    return {
      name: adapter.name,
      title: about.title,
      variables: PYTHON_VARIABLE,
      about:
        `${about.data}: ${pack.facts.documents.toLocaleString('en')} products; of ${pack.questions.queries.length.toLocaleString('en')} shoppers, drawn by a seed, the last ` +
        'product is the only judgment and the target of a query that nobody typed: its narrowest category, and in about a third of the cases one ' +
        `more word. What she met before goes along as her history; neither events nor statistics know the target. First phase: the search that \`fuserank evaluate\` asks ` +
        `(\`cross_fields\` over ${pack.facts.roles.text.join(', ')}, the first counting double), window 200; the sidecar adds up to 50 hits of the text vectors (${encoders.textName}). ` +
        'A ranker at blend 1 alone decides the order; at .5 and .75 it shares it with the first phase.',
      tables: [
        {
          caption: `${pack.questions.queries.length.toLocaleString('en')} shoppers; differences of ${METRICS[0]} to the first phase (A), paired`,
          table: systemTable(paired, { metrics: METRICS, digits: 3 }),
        },
        { caption: `${METRICS[0]} by kind of query and by length of the history`, table: sliceTable(paired, { tags: SLICES, digits: 3 }) },
      ],
      remarks: [await tellRecall(paired), tellModels(paired), ...describeTraining(trained), about.remark, ...HONESTY],
    };
  } finally {
    await pack.close();
  }
}

const HONESTY = [
  'The target is the development target of the pack, not the shoppers’ final item, and candidates are what a search for its category returns: the figures are not those of papers that rank all items.',
  'The data tell the order of events alone; times are made (one a day), so nothing of 7 days is reported.',
  'Nothing of this pack trained the shipped ranker; LambdaMART and the statistics had its events, as a shop’s own would.',
];

function listSystems(trained: readonly TrainedRanker[]): System[] {
  return [
    { name: 'first phase', contender: FIRST_PHASE },
    ...COLUMNS.map((ranker) => ({ name: `${ranker}, blend 1`, contender: ranked({ ranker, blend: 1 }) })),
    { name: 'popularity, blend .5', contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
    { name: 'co-visitation, blend .5', contender: ranked({ ranker: 'co-visitation', blend: 0.5 }) },
    ...trained.map(({ name, folder }) => ({ name: `LambdaMART, ${name}, blend 1`, contender: ranked({ ranker: folder, blend: 1 }) })),
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
