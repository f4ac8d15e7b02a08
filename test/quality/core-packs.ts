import { join } from 'node:path';
import { beauty } from '../../docs/examples/beauty/adapter.js';
import type { Adapter } from '../../docs/examples/kit/adapter.js';
import { readPackItems, readSequences } from '../../docs/examples/kit/sequence-pack.js';
import type { Shopper } from '../../docs/examples/kit/shoppers.js';
import { findSource } from '../../docs/examples/kit/source-rows.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import type { Table } from '../measured-page.js';
import { ALL_COLUMNS, WITHOUT_POPULARITY } from './column-sets.js';
import { bandKnownEvents, type KnownBand } from './known-events.js';
import { FIRST_PHASE, ranked } from './asked-system.js';
import { KNOWN_EVENTS, openNextItemPack } from './next-item-pack.js';
import { METRICS } from './next-item-result.js';
import type { QualityRun } from './quality-run.js';
import type { QualitySection } from './quality-section.js';
import { pairSystems, systemTable } from './system-table.js';
import { trainLambdaMart } from './trained-rankers.js';
import { PYTHON_VARIABLE } from './training-rows.js';

/** Latest events that are hidden from the statistics: of rows to train on the last two, of the evaluation the last. */
const CUTS = [
  { name: 'training', hidden: 2 },
  { name: 'evaluation', hidden: 1 },
] as const;

/** What a 5-core betrays of its targets, and what a learnt ranker makes of it. */
export async function measureCore(run: QualityRun): Promise<QualitySection> {
  const tables: QualitySection['tables'] = [];
  for (const adapter of [beauty, sports]) {
    run.tell(`${adapter.name}: known events`);
    const caption = `${adapter.name}: products by the events that statistics know of them, and how many shoppers’ next product they are`;
    tables.push({ caption, table: await tabulateBands(run, adapter) });
  }
  const systems = await measureWhole(run);
  if (systems) tables.push({ caption: `beauty, whole: differences of ${METRICS[0]} to the first phase (A), paired`, table: systems });
  return {
    name: 'core',
    title: 'What a 5-core betrays',
    variables: PYTHON_VARIABLE,
    about:
      'Beauty and sports are 5-cores: whoever packed them left out every product with fewer than five events, and counted those which are held out ' +
      'here as well. So a product of which fewer than five events are known must have got the others later, and be somebody’s target: few events ' +
      'betray it, and no shop knows such a thing. If the past alone told of the future, targets by known event were alike in all bands.',
    tables,
    remarks: [
      'From five known events on the ratio hardly moves; below, it rises many times over, in training and in evaluation alike: a model that learns from counts can learn the artefact, and baselines that put rarely met products last pay for it.',
      `Therefore the sections beauty and sports keep to products with at least ${KNOWN_EVENTS} events before each shopper’s last two (\`--known-events ${KNOWN_EVENTS}\` of their adapters): which products there are then hangs on nothing that is held out, neither from training nor from evaluation.`,
      ...(systems
        ? [
            'The last table is of the whole pack. Popularity is the group of columns that could betray, and without it most of LambdaMART’s gain is still there; where nothing can be betrayed (section beauty) the gain is no smaller, and popularity is worth more: the artefact hides what counts tell more than it adds to it. What LambdaMART gains by stands in the section on groups of columns.',
          ]
        : ['LambdaMART on the whole pack was left out: no Python is named.']),
    ],
  };
}

async function tabulateBands(run: QualityRun, adapter: Adapter): Promise<Table> {
  const folder = join(run.data, adapter.name);
  const items = await readPackItems(findSource(folder, ['items.jsonl.gz', 'items.jsonl']));
  const known = new Map([...items].map(([number, { asin, title, categories }]) => [number, { id: asin, title, category: categories }]));
  const shoppers: Shopper[] = [];
  const file = findSource(folder, ['sequences.csv.gz', 'sequences.csv']);
  for await (const shopper of readSequences(file, { application: adapter.name, items: known })) shoppers.push(shopper);
  const products = [...known.values()].map(({ id }) => id);
  const cuts = CUTS.map(({ hidden }) => bandKnownEvents(shoppers, { products, hidden }));
  const [first = []] = cuts;
  return {
    columns: ['known events', ...CUTS.flatMap(({ name }) => [`products, ${name}`, 'targets', 'targets / known event'])],
    rows: first.map(({ name }, place) => [name, ...cuts.flatMap((bands) => cellsOf(bands[place]))]),
  };
}

function cellsOf(band: KnownBand | undefined): string[] {
  if (!band) return ['', '', ''];
  const { products, targets, events } = band;
  return [products.toLocaleString('en'), targets.toLocaleString('en'), events === 0 ? '' : (targets / events).toFixed(2)];
}

/** LambdaMART on a whole pack, with and without the columns that could tell. Null where no Python is named. */
async function measureWhole(run: QualityRun): Promise<Table | null> {
  const { known, rows } = await openNextItemPack(run, beauty, { knownEvents: 0, cut: 'whole' });
  try {
    if (!rows) return null;
    const systems = [{ name: 'first phase', contender: FIRST_PHASE }];
    const runs: { name: string; file: string }[] = [];
    for (const set of [ALL_COLUMNS, WITHOUT_POPULARITY]) {
      const folder = await trainLambdaMart(known, { rows, set, size: { lists: null, seed: 1 } });
      if (folder === null) throw new Error(`${set.name} was not trained before; train it without --present`);
      systems.push({ name: `LambdaMART, ${set.name}, dial 1`, contender: ranked({ ranker: folder, blend: 1 }) });
    }
    for (const system of systems) runs.push({ name: system.name, file: await known.evaluate(system) });
    const paired = await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: METRICS });
    return systemTable(paired, { metrics: METRICS, digits: 3 });
  } finally {
    await known.close();
  }
}
