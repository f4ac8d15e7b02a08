// Measures the quality of ranking and of the encoders on real data: `npm run bench:quality [-- NAMES…] [--write]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { describeMachine, nameMachine } from '../machine.js';
import { writeSection } from '../measured-page.js';
import { measureColumns } from './column-ablation.js';
import { measureCore } from './core-packs.js';
import { measureEncoders } from './encoders.js';
import { measureEsci } from './esci.js';
import { measureFilms } from './films.js';
import { measureGrid } from './grid.js';
import { measureMagento } from './magento.js';
import { measureBeauty, measureSports } from './next-item.js';
import { measureNextItemFull } from './next-item-full.js';
import { DEFAULT_SHOPPERS, OptionsRefused, readQualityOptions, type QualityOptions } from './quality-options.js';
import type { QualityRun } from './quality-run.js';
import { PLOTS, printSection, writeMarkdown, type QualitySection } from './quality-section.js';
import { measureTops } from './tops.js';

/** Measurements by name, in the order of the page. A new one is added here. */
const MEASUREMENTS: Record<string, (run: QualityRun) => Promise<QualitySection>> = {
  esci: measureEsci,
  tops: measureTops,
  magento: measureMagento,
  beauty: measureBeauty,
  sports: measureSports,
  columns: measureColumns,
  core: measureCore,
  encoders: measureEncoders,
  grid: measureGrid,
  'next-item': measureNextItemFull,
  films: measureFilms,
};

const OPENING = `# Quality, measured

Figures of ranking and of the encoders on public data sets, each section written by the command that stands in it, from run files of
\`fuserank evaluate\` on a real OpenSearch. The data are not part of this repository; \`FUSERANK_DATA\` names their folder, \`models\` beside it
larger encoders, where there are any, and \`FUSERANK_PYTHON\` a Python with models/training/requirements-tune.txt and -lambdamart.txt, without
which what is trained in a pack is left out. “Better” and “worse” are said only where the interval of a paired difference is clear of zero and
the test agrees; intervals are 95 % bootstraps over queries or shoppers with expanded percentiles (Hesterberg 2015), as
[\`fuserank compare\`](reference/compare.md) gives them. Every section names the rankers that it measured, by the beginning of their sha256.

\`npm run bench:quality -- --write\` renews all of it in hours. What it has made below \`runs/quality/\` and in the engine (\`OPENSEARCH_URL\`, else a
node of its own that keeps its data) it takes again while nothing that went into it has changed, so that one that was stopped goes on, and a new
ranker has only its own rows asked. The project's code is not part of what is compared: after a change to it, remove \`runs/quality/\`.
`;

const NAMES = Object.keys(MEASUREMENTS);
const USAGE = `usage: npm run bench:quality [-- NAMES] [--write] [--shoppers N] [--seeds 1,2,3] [--artefact NAME=FOLDER]
  NAMES            of ${NAMES.join(', ')} (default: all)
  --write          also renew the sections of docs/quality.md and the plots beside it
  --present        ask and train nothing in beauty and sports: write of what was asked before, and say what was not
  --shoppers N     of beauty and sports at most (default: ${DEFAULT_SHOPPERS})
  --seeds 1,2,3    of what is trained in a pack
  --artefact NAME=FOLDER   measure a ranker of yours beside ours; {pack} in its path stands for beauty or sports; repeat
  FUSERANK_DATA names the folder of the data; FUSERANK_PYTHON a Python that trains, else what is trained is left out`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === null) return 2;
  const data = process.env.FUSERANK_DATA;
  if (!data) {
    console.error('quality is measured on real data: set FUSERANK_DATA to their folder (docs/quality.md says which data)');
    return 2;
  }
  const machine = nameMachine(describeMachine());
  const node = await findOrStartNode({ name: 'quality', keepData: true, fastCode: true, log: tell });
  try {
    const { present, shoppers, seeds, artefacts } = options;
    for (const name of options.names) {
      const section = await MEASUREMENTS[name]?.({ node: node.url, data, present, shoppers, seeds, artefacts, tell, keep, pathOf });
      if (!section) continue;
      console.log(`\n${printSection(section)}\n`);
      if (options.write) writePage(section, machine);
    }
  } finally {
    await node.stop();
  }
  return 0;
}

function readOptions(args: readonly string[]): QualityOptions | null {
  try {
    return readQualityOptions(args, NAMES);
  } catch (error) {
    if (!(error instanceof OptionsRefused)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return null;
  }
}

function writePage(section: QualitySection, machine: string): void {
  const docs = join(packageRoot, 'docs');
  writeSection(join(docs, 'quality.md'), { name: section.name, content: writeMarkdown(section, machine), opening: OPENING });
  mkdirSync(join(docs, PLOTS), { recursive: true });
  for (const { name, svg } of section.plots ?? []) writeFileSync(join(docs, PLOTS, `${name}.svg`), svg);
}

function tell(line: string): void {
  process.stderr.write(`quality: ${line}\n`);
}

function pathOf(file: string): string {
  const folder = join(packageRoot, 'runs', 'quality');
  mkdirSync(folder, { recursive: true });
  return join(folder, file);
}

function keep(name: string, details: object): void {
  writeFileSync(pathOf(`${name}.json`), `${JSON.stringify(details, null, 1)}\n`);
}
