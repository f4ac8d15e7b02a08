// Measures the quality of ranking and of the encoders on real data: `npm run quality -- esci|tops|magento|beauty|sports|core|encoders|all [--write]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import { findOrStartNode } from '../../opensearch/local-node/index.js';
import { describeMachine, nameMachine } from '../machine.js';
import { writeSection } from '../measured-page.js';
import { measureCore } from './core-packs.js';
import { measureEncoders } from './encoders.js';
import { measureEsci } from './esci.js';
import { measureMagento } from './magento.js';
import { measureBeauty, measureSports } from './next-item.js';
import type { QualityRun } from './quality-run.js';
import { printSection, writeMarkdown, type QualitySection } from './quality-section.js';
import { measureTops } from './tops.js';

/** Measurements by name, in the order of the page. A new one is added here. */
const MEASUREMENTS: Record<string, (run: QualityRun) => Promise<QualitySection>> = {
  esci: measureEsci,
  tops: measureTops,
  magento: measureMagento,
  beauty: measureBeauty,
  sports: measureSports,
  core: measureCore,
  encoders: measureEncoders,
};

const OPENING = `# Quality, measured

Figures of ranking and of the encoders on public data sets, each section written by the command that stands in it. The data
are not part of this repository; \`FUSERANK_DATA\` names their folder, \`models\` beside it larger encoders, where there are any, and
\`FUSERANK_PYTHON\` a Python with models/training/requirements-lambdamart.txt, without which LambdaMART is left out. “Better” and “worse”
are said only where the interval of a paired difference is clear of zero and the test agrees; intervals are 95 % bootstraps over queries or
shoppers with expanded percentiles (Hesterberg 2015), as [\`fuserank compare\`](reference/compare.md) gives them.
`;

const USAGE = `usage: npm run quality -- ${Object.keys(MEASUREMENTS).join('|')}|all [--write]
  --write   also renew the sections of docs/quality.md
  FUSERANK_DATA names the folder of the data; FUSERANK_PYTHON a Python for LambdaMART (beauty, sports), else it is left out`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const write = args.includes('--write');
  const [what, ...rest] = args.filter((argument) => argument !== '--write');
  const names = what === 'all' ? Object.keys(MEASUREMENTS) : Object.keys(MEASUREMENTS).filter((name) => name === what);
  if (names.length === 0 || rest.length > 0) {
    console.error(USAGE);
    return 2;
  }
  const data = process.env.FUSERANK_DATA;
  if (!data) {
    console.error('quality is measured on real data: set FUSERANK_DATA to their folder (docs/quality.md says which data)');
    return 2;
  }
  const machine = nameMachine(describeMachine());
  const node = await findOrStartNode({ name: 'quality', fastCode: true, log: tell });
  try {
    for (const name of names) {
      const measure = MEASUREMENTS[name];
      if (!measure) continue;
      const section = await measure({ node: node.url, data, tell, keep, pathOf });
      console.log(`\n${printSection(section)}\n`);
      if (write) {
        writeSection(join(packageRoot, 'docs', 'quality.md'), { name, content: writeMarkdown(section, machine), opening: OPENING });
      }
    }
  } finally {
    await node.stop();
  }
  return 0;
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
