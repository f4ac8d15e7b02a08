import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Table } from '../measured-page.js';
import type { QualityRun } from './quality-run.js';
import { formatDifference, formatShare, type QualitySection } from './quality-section.js';
import { runMissing, type TrainingStep } from './training-steps.js';
import { PYTHON_VARIABLE } from './training-rows.js';
import { verdictTable, type Demand } from './verdict-table.js';

/** What a ranker has in training and in the test, and whether pictures are dropped in training. */
const ARMS = [
  { arm: 'all', dropout: false },
  { arm: 'all', dropout: true },
  { arm: 'no-posters', dropout: false },
  { arm: 'no-plots', dropout: false },
  { arm: 'neither', dropout: false },
] as const;
const HALF = '0.5';
const THIRD = 1 / 3;

const interval = z.tuple([z.number(), z.number(), z.number()]);
type Interval = z.output<typeof interval>;
const missing = z.record(z.string(), z.object({ 'ndcg@10': interval, cost: interval, 'cost by seed': z.array(z.number()) }));
const networkSchema = z.object({
  network: z.string(),
  asked: z.number(),
  arms: z.record(z.string(), z.object({ 'ndcg@10': interval, 'by seed': z.array(z.number()) })),
  adds: z.record(z.string(), interval),
  missing: z.record(z.string(), missing),
  /** That its arms were trained for, where they are runs of films.py. */
  steps: z.array(z.number()).optional(),
});
type Network = z.output<typeof networkSchema>;
const reportSchema = z.object({ networks: z.array(networkSchema) });

/** What posters and plots tell a ranker of films, and what it loses where half of the posters are missing. */
export async function measureFilms(run: QualityRun): Promise<QualitySection> {
  const folder = run.pathOf('films');
  await runMissing(listSteps(folder, run), { python: process.env.FUSERANK_PYTHON ?? null, tell: (line) => run.tell(line) });
  const { networks } = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'results', 'films.json'), 'utf8')));
  return {
    name: 'films',
    title: 'Films: do posters and plots matter?',
    variables: PYTHON_VARIABLE,
    about:
      'ml1m: a viewer’s last film is the target of a query that nobody typed, one of its genres, in a third of the cases with a word of its title; a ' +
      'target that the first phase does not find counts 0. Every arm is trained anew on lists of earlier films, offline, with all-minilm-l6-v2 on ' +
      'titles and plots and MobileNetV2 on the posters (3,256 of 3,416 films have one). NDCG@10, means over seeds, 95 % intervals paired over viewers. ' +
      'The arms of `models/training/films.py` find candidates by titles and genres alone, so that all rank the same ones, and leave the viewers of ' +
      'val.csv aside; those of fusion-tuned are runs of `grid.py` on the same films, whose texts are titles and the beginnings of plots.',
    tables: networks.flatMap((network) => [
      {
        caption: `${network.network}: what is known, in training and test (${network.asked.toLocaleString('en')} viewers)`,
        table: levels(network),
      },
      { caption: `${network.network}: what it adds`, table: differences(network) },
      { caption: `${network.network}: posters missing at test`, table: losses(network) },
      { caption: `${network.network}: modality dropout`, table: verdictTable([judge(network)]) },
    ]),
    remarks: [
      'Queries are derived, and a genre is no search for a film: a shop of films may differ.',
      'Intervals are over viewers, not over seeds: where an arm has one seed, differences of .003, by which seeds differ, are not news whatever the interval says.',
      ...networks.flatMap(({ network, steps }) => (steps ? [`${network}: ${steps.join(' or ')} steps of 32 lists.`] : [])),
      ...(networks.some(({ adds }) => 'plots' in adds)
        ? []
        : ['Plots apart from titles were not measured: the arms of `films.py` were not run. Texts as a whole bound what plots can add.']),
      'Statistics of 6,040 viewers with 165 films each are in all arms: what goes with what says most of what a poster could.',
    ],
  };
}

function listSteps(folder: string, run: QualityRun): TrainingStep[] {
  const grid = dirname(run.pathOf(join('grid', 'any')));
  const [packs, lists, results] = [join(folder, 'packs'), join(folder, 'lists', 'films'), join(folder, 'results')];
  const films = (args: readonly string[], makes: string, always = false): TrainingStep => ({ script: 'films.py', args, makes, always });
  return [
    {
      script: 'packs.py',
      args: ['--data', run.data, '--models', join(run.data, '..', 'models'), '--out', packs, '--packs', 'ml1m'],
      makes: join(packs, 'ml1m.pickle'),
    },
    films(['lists', '--pack', join(packs, 'ml1m.pickle'), '--out', lists], `${lists}-train.pickle`),
    ...run.seeds.flatMap((seed) =>
      ARMS.map(({ arm, dropout }) => {
        const out = join(results, `films.${arm}${dropout ? '-dropout' : ''}-${seed}`);
        return films(
          ['run', '--lists', lists, '--out', out, '--arm', arm, '--seed', String(seed), ...(dropout ? ['--dropout'] : [])],
          `${out}.json`,
        );
      }),
    ),
    films(['compare', '--results', results, '--grid', grid], join(results, 'films.json'), true),
  ];
}

const range = ([, low, high]: Interval, format: (value: number, digits: number) => string): string =>
  `[${format(low, 4)}, ${format(high, 4)}]`;

function levels({ arms }: Network): Table {
  return {
    columns: ['arm', 'NDCG@10', '95 %', 'by seed'],
    rows: Object.entries(arms).map(([arm, told]) => [
      arm,
      formatShare(told['ndcg@10'][0], 4),
      range(told['ndcg@10'], formatShare),
      told['by seed'].map((value) => formatShare(value, 4)).join(', '),
    ]),
  };
}

function differences({ adds }: Network): Table {
  return {
    columns: ['what', 'adds', '95 %', 'clear of zero'],
    rows: Object.entries(adds).map(([what, figures]) => [
      what,
      formatDifference(figures[0], 4),
      range(figures, formatDifference),
      figures[1] > 0 || figures[2] < 0 ? 'yes' : 'no',
    ]),
  };
}

function losses(network: Network): Table {
  const kinds = Object.entries(network.missing);
  const parts = Object.keys(kinds[0]?.[1] ?? {});
  return {
    columns: ['missing', ...kinds.flatMap(([kind]) => [`${kind}: NDCG@10`, 'costs', '95 %'])],
    rows: parts.map((part) => [
      `${Math.round(Number(part) * 100)} %`,
      ...kinds.flatMap(([, of]) => {
        const told = of[part];
        return told
          ? [formatShare(told['ndcg@10'][0], 4), formatDifference(told.cost[0], 4), range(told.cost, formatDifference)]
          : ['', '', ''];
      }),
    ]),
  };
}

/** Half of the posters missing may cost a third of what it costs without dropout; where that costs nothing, nothing is shown. */
function judge({ missing: costs }: Network): Demand {
  const [dropped, plain] = [costs['all with dropout']?.[HALF], costs.all?.[HALF]];
  const known = dropped !== undefined && plain !== undefined;
  const tell = (told: { cost: Interval; 'cost by seed': readonly number[] }): string =>
    `${formatDifference(told.cost[0], 4)} (by seed ${told['cost by seed'].map((value) => formatDifference(value, 4)).join(', ')})`;
  return {
    what: '50 % of the posters missing: cost with modality dropout over cost without',
    target: '≤ 1/3',
    measured: known ? `${formatShare(dropped.cost[0] / plain.cost[0], 2)}: ${tell(dropped)} against ${tell(plain)}` : '',
    met: known && plain.cost[1] > 0 ? dropped.cost[0] <= THIRD * plain.cost[0] : null,
  };
}
