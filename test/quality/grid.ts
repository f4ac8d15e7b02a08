import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { measureRankerCosts } from '../../models/ranker-cost.js';
import { builtinFolder } from '../../models/named-ranker.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import { runAloud, trainingFolder } from '../../tuning/model/training/python-room.js';
import type { Table } from '../measured-page.js';
import { compareArms, costOfHiding, readGridRuns, type GridRun, type MeasuredArm } from './grid-runs.js';
import type { QualityRun } from './quality-run.js';
import { formatDifference, formatInterval, formatShare, type QualitySection } from './quality-section.js';

const SHOPS = ['beauty', 'sports'] as const;
const PACKS = [...SHOPS, 'ml1m'] as const;
const DEFAULT = 'default';
const BASE = 'fusion-base, tuned';
const DIGITS = 4;
const PYTHON = 'FUSERANK_PYTHON';
const TITLES: Readonly<Record<string, string>> = { beauty: 'Beauty', sports: 'Sports (no titles)', ml1m: 'ml1m, with posters and plots' };
const RIVALS = 'rivals';
const HIDDEN = ['0.1', '0.3', '0.5', '0.7'];

const gpuCostSchema = z.looseObject({
  device: z.string(),
  costs: z.array(
    z.looseObject({
      network: z.string(),
      lists: z.number(),
      precision: z.string(),
      operators: z.object({ least: z.number(), median: z.number() }),
      graph: z.object({ least: z.number(), median: z.number() }).nullable(),
    }),
  ),
});

/** What each choice of a network that reads one shop's vectors is worth, from runs of models/training/grid.py. */
export async function measureGrid(run: QualityRun): Promise<QualitySection> {
  const folder = dirname(run.pathOf(join('grid', 'x')));
  mkdirSync(folder, { recursive: true });
  await runMissing(run, folder);
  const runs = readGridRuns(folder);
  const packs = PACKS.filter((pack) => runs.some((each) => each.pack === pack && each.arm === DEFAULT));
  if (packs.length === 0)
    throw new Error(`${folder} holds no runs; name a Python with PyTorch in ${PYTHON}, or put the runs of grid.py there`);
  const byPack = new Map(packs.map((pack) => [pack, compareArms(runs, { pack, beside: DEFAULT })]));
  const tables = [
    ...[...byPack].map(([pack, arms]) => ({ caption: `${TITLES[pack]}: rivals`, table: rivalTable(runs, pack, arms) })),
    { caption: 'One choice at a time from the default', table: choiceTable(byPack) },
    ...hiddenTables(byPack),
    ...gpuTables(folder),
    ...(await cpuTables(join(folder, 'artefacts'))),
  ];
  return {
    name: 'grid',
    title: 'What each choice is worth',
    about:
      'Networks trained on the shop’s own lists, which read its raw vectors (`fuserank model train --kind fusion-tuned` and `fusion-large`), beside fusion-base (and LambdaMART, where it was run) ' +
      'trained on the same lists. Offline, without OpenSearch: each shopper’s last event is asked for with a derived query, the first phase is the one of ' +
      '`models/training/first_phase.py`, and lists for training are the two events before, under statistics that end before them. NDCG@10 of the score alone; ' +
      'a target that the first phase does not find counts 0. These networks are bound to one catalogue and its encoder (all-minilm-l6-v2) and are trained on ' +
      'evaluation packs: they are measured, not shipped.',
    tables,
    variables: `${PYTHON}=<python with models/training/requirements.txt>`,
    remarks: describeGrid(runs, byPack),
  };
}

/** Lists and runs that are not there yet; hours on one core. Without a Python what is there is taken. */
async function runMissing(run: QualityRun, folder: string): Promise<void> {
  const python = process.env[PYTHON];
  if (!python) {
    run.tell(`grid: ${PYTHON} names no Python; the runs in ${folder} are taken as they are`);
    return;
  }
  const [packs, lists] = ['packs', 'lists'].map((name) => join(folder, name));
  if (packs === undefined || lists === undefined) return;
  const call = async (script: string, ...words: string[]): Promise<void> => {
    const code = await runAloud(python, [join(trainingFolder, script), ...words], (line) => run.tell(`grid: ${line}`), {
      ...process.env,
      OMP_NUM_THREADS: '1',
      PYTHONUNBUFFERED: '1',
    });
    if (code !== 0) throw new Error(`${script} ended with exit code ${code}; its words stand above`);
  };
  for (const pack of PACKS) {
    const finished = existsSync(join(lists, `${pack}-test`, 'header.json'));
    if (finished) continue;
    await call('packs.py', '--data', run.data, '--models', join(run.data, '..', 'models'), '--packs', pack, '--out', packs);
    await call('list_inputs.py', '--packs', packs, '--names', pack, '--out', lists);
  }
  await call('grid.py', '--lists', lists, '--packs', ...PACKS, '--out', folder, '--shipped', builtinFolder, '--device', 'auto');
}

function rivalTable(runs: readonly GridRun[], pack: string, arms: readonly MeasuredArm[]): Table {
  const untrained = runs.find((each) => each.pack === pack && each.arm === 'untrained')?.systems ?? {};
  const bare = ['first phase', 'first phase + popularity'].map((name) => [
    name,
    formatShare(untrained[name]?.['ndcg@10'] ?? Number.NaN, DIGITS),
    '',
    '',
    '',
    '',
    '',
    '',
  ]);
  const shipped = [
    'the shipped fusion-base, untouched',
    formatShare(untrained['fusion-base, own']?.['ndcg@10'] ?? Number.NaN, DIGITS),
    formatShare(untrained['fusion-base, dial 0.75']?.['ndcg@10'] ?? Number.NaN, DIGITS),
    ...['', '', '', '', ''],
  ];
  const rows = arms
    .filter(({ group }) => group === RIVALS)
    .map(({ arm, means, served, comparison, example }) => [
      arm === DEFAULT ? 'fusion-tuned, default, from nothing' : arm,
      formatSeeds(means),
      formatShare(served, DIGITS),
      ...(arm === DEFAULT
        ? ['', '', '']
        : [formatDifference(comparison.difference, DIGITS), formatInterval(comparison.interval), comparison.verdict]),
      example.parameters === undefined ? '' : formatCount(example.parameters),
      example.operations === undefined ? '' : `${(example.operations / 1e6).toFixed(0)}`,
    ]);
  return {
    columns: ['network', 'ndcg@10', 'blend .75', 'beside the default', '95 %', 'verdict', 'parameters', 'MFLOP'],
    rows: [...bare, shipped, ...rows],
  };
}

function choiceTable(byPack: ReadonlyMap<string, readonly MeasuredArm[]>): Table {
  const packs = [...byPack.keys()];
  const arms = [...new Map([...byPack.values()].flat().map(({ arm, group }) => [arm, group]))].filter(([, group]) => group !== RIVALS);
  const rows = arms.map(([name, group]) => {
    const found = packs.map((pack) => byPack.get(pack)?.find(({ arm }) => arm === name));
    const operations = found.find((each) => each?.example.operations !== undefined)?.example.operations;
    return [
      group,
      name,
      ...found.flatMap((each) => {
        if (!each) return ['not run', ''];
        const { difference, interval, verdict } = each.comparison;
        return [
          formatShare(meanOf(each.means), DIGITS),
          `${formatDifference(difference, DIGITS)} ${formatInterval(interval)}${verdict === 'not resolved' ? '' : ` ${verdict}`}`,
        ];
      }),
      operations === undefined ? '' : (operations / 1e6).toFixed(0),
    ];
  });
  const first = packs.map((pack) => byPack.get(pack)?.find(({ arm }) => arm === DEFAULT));
  const default_ = [
    '',
    'the default',
    ...first.flatMap((each) => [each ? formatSeeds(each.means) : '', '']),
    ((first[0]?.example.operations ?? Number.NaN) / 1e6).toFixed(0),
  ];
  return {
    columns: ['choice', 'instead', ...packs.flatMap((pack) => [pack, `${pack}: difference, 95 %`]), 'MFLOP'],
    rows: [default_, ...rows],
  };
}

/** ml1m: pictures that are missing when asked, and what was done about them in training. */
function hiddenTables(byPack: ReadonlyMap<string, readonly MeasuredArm[]>): { caption: string; table: Table }[] {
  const arms = (byPack.get('ml1m') ?? []).filter(({ example }) => example['hidden pictures']);
  if (arms.length === 0) return [];
  const rows = arms.map(({ arm, example }) => [
    arm,
    formatShare(example.systems['own']?.['ndcg@10'] ?? Number.NaN, DIGITS),
    ...HIDDEN.map((share) => {
      const cost = costOfHiding(example, share);
      return cost ? `${formatDifference(cost.difference, DIGITS)} ${formatInterval(cost.interval)}` : '';
    }),
  ]);
  return [
    {
      caption: 'ml1m: what it costs when a share of the posters is missing at test (the same in every list), first seed',
      table: { columns: ['network', 'all posters', ...HIDDEN.map((share) => `${Number(share) * 100} % missing`)], rows },
    },
  ];
}

function gpuTables(folder: string): { caption: string; table: Table }[] {
  const file = join(folder, 'gpu-cost.json');
  if (!existsSync(file)) return [];
  const { device, costs } = gpuCostSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const rows = costs.map(({ network, lists, precision, operators, graph }) => [
    network === DEFAULT ? 'fusion-tuned, default' : network,
    String(lists),
    precision,
    `${operators.least.toFixed(2)} (${operators.median.toFixed(2)})`,
    graph ? `${graph.least.toFixed(2)} (${graph.median.toFixed(2)})` : 'none',
  ]);
  return [
    {
      caption: `On a ${device}, PyTorch, 200 candidates and 50 events: milliseconds of one call, least (median); other processes used the card at times`,
      table: { columns: ['network', 'lists a call', 'products', 'operator by operator', 'as a CUDA graph'], rows },
    },
  ];
}

/** CPU of the artefacts that lie in a folder, beside the built-in ranker's. */
async function cpuTables(folder: string): Promise<{ caption: string; table: Table }[]> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.length === 0) return [];
  const costs = await measureRankerCosts([builtinFolder, ...names.sort().map((name) => join(folder, name))]);
  const builtin = costs[0]?.cpuMs ?? Number.NaN;
  const rows = costs.map(({ id, cpuMs }) => [id, cpuMs.toFixed(2), `${(cpuMs / builtin).toFixed(2)} ×`]);
  return [
    {
      caption: 'On one core, ONNX Runtime, 200 candidates and 50 events: CPU of one list, ms',
      table: { columns: ['artefact', 'ms', 'beside the built-in'], rows },
    },
  ];
}

function describeGrid(runs: readonly GridRun[], byPack: ReadonlyMap<string, readonly MeasuredArm[]>): string[] {
  const trained = runs.filter(({ arm }) => arm !== 'untrained');
  const devices = [...new Set(trained.map(({ device }) => device ?? 'unknown'))].sort();
  const bases = [...new Set(trained.flatMap((run) => run['evidence of'] ?? []))].sort();
  const counts = [...byPack].map(([pack, arms]) => {
    const lists = arms.find(({ arm }) => arm === DEFAULT)?.example.lists;
    return `${pack} ${formatCount(lists?.train ?? Number.NaN)} lists to train on, ${formatCount(lists?.asked ?? Number.NaN)} shoppers asked`;
  });
  const spreads = [...byPack].map(([pack, arms]) => {
    const means = arms.find(({ arm }) => arm === DEFAULT)?.means ?? [];
    return `${pack} ${formatShare(Math.max(...means) - Math.min(...means), DIGITS)}`;
  });
  return [
    `${counts.join('; ')}.`,
    `The default: fusion attention+hadamard, user encoder sasrec, one list-context layer, heads esmm, softmax over the list, a learnt token for missing vectors, modality dropout .3; all weights drawn. Its seeds differ by ${spreads.join(', ')} from worst to best: differences of one seed below that are no news, whatever their interval over shoppers says.`,
    'Of an arm with several seeds each list’s gain is the mean over them; an arm with one seed is paired with the default of the same seed.',
    ...[...byPack.keys()].map((pack) => judgeLarge(runs, pack)),
    'fusion-base was tuned here in five rounds of large batches (some 150 to 300 steps, a gentle rate), the others in six to eight: fewer updates than `fuserank model tune` makes of as many lists, so what separates it from the networks that read vectors is flattering to them, most of all on ml1m: see what the arms without texts and without pictures lose there. LambdaMART on the same lists is in the table only where it was run.',
    `Position bias not corrected: derived queries have no shown positions. The evidence in all networks, and the weights that some start from, are those of ${bases.join(', ')}. Trained on: ${devices.join(', ')}.`,
  ];
}

/** Whether the large network earns its cost: beside the tuned fusion-base and beside the default, list by list. */
function judgeLarge(runs: readonly GridRun[], pack: string): string {
  const told = [BASE, DEFAULT].flatMap((beside) => {
    if (!runs.some((run) => run.pack === pack && run.arm === beside)) return [];
    const large = compareArms(runs, { pack, beside }).filter(({ arm }) => arm.startsWith('large'));
    const best = large.reduce<MeasuredArm | null>(
      (one, each) => (one === null || meanOf(each.means) > meanOf(one.means) ? each : one),
      null,
    );
    if (best === null) return [];
    const { difference, interval, verdict } = best.comparison;
    const name = beside === DEFAULT ? 'the default fusion-tuned' : beside;
    return [`${formatDifference(difference, DIGITS)} ${formatInterval(interval)} beside ${name} (${verdict}; ${best.arm})`];
  });
  return `fusion-large on ${pack}: ${told.length > 0 ? told.join(', ') : 'not run'}.`;
}

function formatSeeds(means: readonly number[]): string {
  const mean = formatShare(meanOf(means), DIGITS);
  return means.length === 1 ? mean : `${mean} (${means.map((each) => formatShare(each, DIGITS)).join(', ')})`;
}

function formatCount(value: number): string {
  return value.toLocaleString('en');
}
