import { beauty } from '../../docs/examples/beauty/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { ranked } from './asked-system.js';
import { ABLATIONS, ALL_COLUMNS } from './column-sets.js';
import { KNOWN_EVENTS, openNextItemPack, type NextItemPack } from './next-item-pack.js';
import { METRICS } from './next-item-result.js';
import type { QualityRun } from './quality-run.js';
import type { QualitySection } from './quality-section.js';
import { pairSystems, systemTable } from './system-table.js';
import { trainLambdaMart } from './trained-rankers.js';
import type { TrainingRows } from './training-rows.js';
import { PYTHON_VARIABLE } from './training-rows.js';

/** What LambdaMART gains by: trained anew without each group of columns, and on each alone. */
export async function measureColumns(run: QualityRun): Promise<QualitySection> {
  const tables: QualitySection['tables'] = [];
  for (const adapter of [beauty, sports]) {
    const pack = await openNextItemPack(run, adapter, { knownEvents: KNOWN_EVENTS });
    try {
      if (!pack.rows) continue;
      const caption = `${adapter.name}: differences of ${METRICS[0]} to all columns (A), paired, ${pack.known.questions.queries.length.toLocaleString('en')} shoppers`;
      tables.push({ caption, table: await ablate(pack, pack.rows) });
    } finally {
      await pack.known.close();
    }
  }
  return {
    name: 'columns',
    title: 'What each group of columns gives',
    variables: PYTHON_VARIABLE,
    about: 'LambdaMART of the sections beauty and sports, with groups of columns left out, or alone, at dial 1.',
    tables,
    remarks:
      tables.length === 0 ? ['LambdaMART was left out: no Python is named.'] : ['Each row is one training with seed 1, on all lists.'],
  };
}

async function ablate({ known }: NextItemPack, rows: TrainingRows): Promise<QualitySection['tables'][number]['table']> {
  const runs: { name: string; file: string }[] = [];
  for (const set of [ALL_COLUMNS, ...ABLATIONS]) {
    const folder = await trainLambdaMart(known, { rows, set, size: { lists: null, seed: 1 } });
    if (folder === null) throw new Error(`${set.name} was not trained before; train it without --present`);
    const name = set === ALL_COLUMNS ? 'all columns' : set.name;
    runs.push({ name, file: await known.evaluate({ name: `columns ${set.key}`, contender: ranked({ ranker: folder, blend: 1 }) }) });
  }
  return systemTable(await pairSystems(runs, { baseline: runs[0]?.file ?? '', metrics: METRICS }), { metrics: METRICS, digits: 3 });
}
