import { beauty } from '../../docs/examples/beauty/adapter.js';
import type { Adapter } from '../../docs/examples/kit/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { calibrationTables, drawCalibration, measureCalibration, tellCalibration } from './calibration.js';
import { drawNextItemPlots } from './next-item-plots.js';
import { KNOWN_EVENTS, openNextItemPack, type NextItemPack } from './next-item-pack.js';
import { askNextItem, METRICS, type NextItemResult } from './next-item-result.js';
import type { TrainedSystem } from './next-item-systems.js';
import {
  costTable,
  fairnessTables,
  mainTable,
  seedTables,
  sliceTables,
  tellMissing,
  tellModels,
  tellRecall,
  unknownTables,
} from './next-item-tables.js';
import { judgeNextItem } from './next-item-verdicts.js';
import { DEFAULT_SEEDS, DEFAULT_SHOPPERS } from './quality-options.js';
import type { QualityRun } from './quality-run.js';
import type { QualitySection } from './quality-section.js';
import { describeTraining, PYTHON_VARIABLE } from './training-rows.js';
import { verdictTable } from './verdict-table.js';

const ABOUT: Readonly<Record<string, { title: string; data: string; remarks: readonly string[] }>> = {
  beauty: {
    title: 'Beauty: which product comes next',
    data: 'Amazon Beauty reviews as sequences (5-core, S3-Rec’s files) with titles, brands and categories',
    remarks: ['A word that is added to a category is one of the target’s title, so `with-word` is easier than typing would be.'],
  },
  sports: {
    title: 'Sports: the same without titles',
    data: 'Amazon Sports reviews as sequences (5-core, S3-Rec’s files) with brands and categories',
    remarks: [
      'No product has a title: brand and narrowest category stand in its place, so the word that is added to a category is a brand.',
      'What is missed here is missed for want of titles: vectors say no more than brand and category, so without a log little tells the products of a list apart. Harm and gain pull against each other: a lower ceiling of trust (docs/decisions/009) would harm fewer of those who want what counts know little of (new products, the tail: see above), where the first phase’s order is the better one, and gain less over popularity; no gate has learnt to tell their lists from others. What 500 lists bring in tuning is measured against what all of them bring.',
    ],
  },
};

const HONESTY = [
  'A derived query names the narrowest category of its target, so how well a product’s categories match the query (`query_category_match`) tells more here than typed words would; the section on groups of columns shows how much of LambdaMART’s gain that is.',
  'The target is the development target of the pack, not the shoppers’ final item, and candidates are what a search for its category returns: the figures are not those of papers that rank all items.',
  'The data tell the order of events alone; times are made (one a day), so nothing of 7 days is reported. No product has a price or a picture: price groups and missing pictures are not measured here.',
  'Nothing of this pack trained the shipped ranker; what is trained in the pack and the statistics had its events, as a shop’s own would.',
];

export const measureBeauty = (run: QualityRun): Promise<QualitySection> => measureNextItem(run, beauty);
export const measureSports = (run: QualityRun): Promise<QualitySection> => measureNextItem(run, sports);

/** Derived queries for the product that each shopper met last, ranked for what she had met before. */
async function measureNextItem(run: QualityRun, adapter: Adapter): Promise<QualitySection> {
  const about = ABOUT[adapter.name];
  if (!about) throw new Error(`nothing is known of the pack ${adapter.name}`);
  const pack = await openNextItemPack(run, adapter, { knownEvents: KNOWN_EVENTS });
  try {
    const result = await askNextItem(run, pack, adapter.name);
    const calibrated = await measureCalibration(pack, findTuned(result));
    const queries = pack.known.questions.queries.length.toLocaleString('en');
    return {
      name: adapter.name,
      title: about.title,
      flags: tellFlags(run),
      variables: PYTHON_VARIABLE,
      about: tellAbout(pack, { data: about.data, queries }),
      tables: [
        await mainTable(result, queries),
        ...(await seedTables(result)),
        ...(await unknownTables(result)),
        ...(await sliceTables(result)),
        ...(await fairnessTables(pack, result)),
        ...calibrationTables(calibrated),
        costTable(result),
        { caption: 'What was demanded', table: verdictTable(await judgeNextItem(result)) },
      ],
      plots: [...(await drawNextItemPlots(result)), ...drawCalibration(adapter.name, calibrated)],
      remarks: [
        ...tellMissing(result),
        await tellRecall(result),
        await tellModels(result),
        ...describeTraining(pack.rows),
        ...about.remarks,
        ...HONESTY,
        ...tellCalibration(calibrated),
      ],
    };
  } finally {
    await pack.known.close();
  }
}

/** What was tuned on all lists with the first seed. */
function findTuned({ trained, seeds }: NextItemResult): TrainedSystem | undefined {
  return trained.find(({ kind, lists, seed }) => kind === 'tuned' && lists === null && seed === seeds[0]);
}

/** What the command had beside its name; where the rankers of others lie is nobody's business. */
function tellFlags({ present, shoppers, seeds, artefacts }: QualityRun): string[] {
  return [
    ...(present ? ['--present'] : []),
    ...(shoppers === DEFAULT_SHOPPERS ? [] : [`--shoppers ${shoppers}`]),
    ...(seeds.join() === DEFAULT_SEEDS ? [] : [`--seeds ${seeds.join()}`]),
    ...[...artefacts.keys()].map((name) => `--artefact "${name}=<folder>"`),
  ];
}

function tellAbout({ known, encoders }: NextItemPack, { data, queries }: { data: string; queries: string }): string {
  const { facts } = known;
  return (
    `${data}: the ${facts.documents.toLocaleString('en')} products with at least ${KNOWN_EVENTS} events before each shopper’s last two (why: the section on 5-cores); of ${queries} shoppers, drawn by a seed, the last ` +
    'product is the only judgment and the target of a query that nobody typed: its narrowest category, and in about a third of the cases one ' +
    'more word. What she met before goes along as her history; neither events nor statistics know the target. First phase: the search that `fuserank evaluate` asks ' +
    `(\`cross_fields\` over ${facts.roles.text.join(', ')}, the first counting double), window 200; the sidecar adds up to 50 hits of the text vectors (${encoders.textName}). ` +
    'At dial 1 a ranker alone decides the order; below, it shares it with the first phase, as “first phase + popularity” and “+ co-visitation” do by halves. ' +
    `Gains are relative: the mean ${METRICS[0]} over that of the baseline, with the interval of their ratio (bootstrap over shoppers). Harm: shoppers whose ${METRICS[0]} is more than .05 below the first phase’s.`
  );
}
