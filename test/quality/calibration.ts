import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { openArtefact } from '../../models/artefact.js';
import { builtinFolder } from '../../models/named-ranker.js';
import { hashFile } from './file-stamp.js';
import { keepWork, readKeptWork } from './kept-work.js';
import type { MeasuredPack } from './measured-pack.js';
import type { TrainedSystem } from './next-item-systems.js';
import { runProgram } from './own-command.js';
import { formatShare, type PagePlot, type QualitySection } from './quality-section.js';
import { drawPlot, type Axis, type Series } from './svg-plot.js';
import type { TrainingRows } from './training-rows.js';

const share = z.number().min(0).max(1);
const binSchema = z.object({
  from: share,
  to: share,
  candidates: z.number().positive(),
  /** Mean of the chances that were given. */
  predicted: share,
  /** Share that was chosen, and its 95 % interval. */
  observed: share,
  interval: z.tuple([share, share]),
});
/** What models/training/calibration.py says of a ranker. */
export const calibrationSchema = z.object({
  artefact: z.string(),
  lists: z.number(),
  candidates: z.number(),
  'calibration error': z.number(),
  misplaced: z.number(),
  'by chance': z.number(),
  'log loss': z.number(),
  'uniform log loss': z.number(),
  bins: z.array(binSchema),
});
export type Calibration = z.output<typeof calibrationSchema>;
type Bin = Calibration['bins'][number];

/** A ranker's calibration on some of the lists that tuning learns from. */
export interface CalibratedRanker {
  readonly name: string;
  /** Whether its bins are shown: the others stand beside them by their figures alone. */
  readonly shown: boolean;
  readonly calibration: Calibration;
}

const NAMES = {
  shipped: 'fusion-base as shipped, all lists',
  beside: 'fusion-base as shipped, lists held out',
  tuned: 'fusion-base tuned, lists held out',
} as const;
const SCRIPTS = join(packageRoot, 'models', 'training');

/**
 * The shipped ranker on all lists, and beside what was tuned on all of them, on those that were held out of its fit.
 * @param tuned undefined: none was
 * @returns what is known of them: nothing without rows to train on, and what was kept where nothing may be computed
 */
export async function measureCalibration(
  { known, rows }: { readonly known: Pick<MeasuredPack, 'alias' | 'folder' | 'run'>; readonly rows: TrainingRows | null },
  tuned: Pick<TrainedSystem, 'folder' | 'seed'> | undefined,
): Promise<CalibratedRanker[]> {
  if (!rows) return [];
  const asked = [
    { key: 'shipped-all', name: NAMES.shipped, shown: true, folder: builtinFolder, seed: null },
    ...(tuned
      ? [
          { key: 'shipped-held-out', name: NAMES.beside, shown: false, folder: builtinFolder, seed: tuned.seed },
          { key: 'tuned-held-out', name: NAMES.tuned, shown: true, folder: tuned.folder, seed: tuned.seed },
        ]
      : []),
  ];
  const measured: CalibratedRanker[] = [];
  for (const { key, name, shown, folder, seed } of asked) {
    const kept = {
      file: join(known.folder, `calibration-${key}.json`),
      stamp: {
        artefact: (await openArtefact(folder)).sha256,
        script: await hashFile(join(SCRIPTS, 'calibration.py')),
        rows: rows.stamp,
        heldOut: seed === null ? null : { seed, by: await hashFile(join(SCRIPTS, 'tune.py')) },
      },
      result: calibrationSchema,
    };
    const make = (): Promise<Calibration> => {
      known.run.tell(`${known.alias}: calibration of ${name}`);
      return runCalibration(rows, { folder, heldOut: seed });
    };
    const calibration = known.run.present ? await readKeptWork(kept) : (await keepWork({ ...kept, make })).result;
    if (calibration) measured.push({ name, shown, calibration });
  }
  return measured;
}

/** @param of.heldOut seed by which `tune.py` held them out; null = all lists */
async function runCalibration(rows: TrainingRows, of: { folder: string; heldOut: number | null }): Promise<Calibration> {
  const which = of.heldOut === null ? [] : ['--held-out', '--seed', String(of.heldOut)];
  const args = ['--artefact', of.folder, '--rows', rows.inputs, ...which];
  const printed = await runProgram(rows.python, [join(SCRIPTS, 'calibration.py'), ...args], { cwd: SCRIPTS, name: 'calibration.py' });
  return calibrationSchema.parse(JSON.parse(printed));
}

export function calibrationTables(measured: readonly CalibratedRanker[]): QualitySection['tables'] {
  if (measured.length === 0) return [];
  const shown = measured.filter((ranker) => ranker.shown);
  const starts = [...new Set(shown.flatMap(({ calibration }) => calibration.bins.map(({ from }) => from)))].sort(
    (one, other) => one - other,
  );
  return [
    {
      caption:
        'How far a ranker’s chances hold: log loss of a list in nats, and of a uniform guess; calibration error of a candidate; and the share of ' +
        'the choices that fall into another bin of chances than was said, beside what so many lists would show of chances that are true',
      table: {
        columns: ['ranker', 'lists', 'log loss', 'uniform guess', 'calibration error', 'misplaced', 'by chance'],
        rows: measured.map(({ name, calibration }) => [
          name,
          calibration.lists.toLocaleString('en'),
          calibration['log loss'].toFixed(2),
          calibration['uniform log loss'].toFixed(2),
          formatShare(calibration['calibration error'], 4),
          formatShare(calibration.misplaced),
          formatShare(calibration['by chance']),
        ]),
      },
    },
    {
      caption: 'Candidates by the chance that they were given: its mean, and the share that was chosen (95 % interval of Wilson)',
      table: {
        columns: ['chance', ...shown.flatMap(({ name }) => [`${name}: candidates`, 'mean chance', 'chosen'])],
        rows: starts.map((start) => {
          const bins = shown.map(({ calibration }) => calibration.bins.find(({ from }) => from === start));
          const to = bins.find((bin) => bin !== undefined)?.to ?? 1;
          return [`${formatChance(start)} to ${formatChance(to)} %`, ...bins.flatMap(binCells)];
        }),
      },
    },
  ];
}

function binCells(bin: Bin | undefined): string[] {
  if (!bin) return ['0', '', ''];
  const [low, high] = bin.interval;
  return [
    bin.candidates.toLocaleString('en'),
    `${formatChance(bin.predicted)} %`,
    `${formatChance(bin.observed)} % [${formatChance(low)}, ${formatChance(high)}]`,
  ];
}

/** In percent, to three digits: chances lie over many powers of ten. */
function formatChance(value: number): string {
  return (100 * value).toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** Chosen against predicted, on axes of powers of ten. A bin of which nothing was chosen has no place there. */
export function drawCalibration(pack: string, measured: readonly CalibratedRanker[]): PagePlot[] {
  const series = measured.filter(({ shown }) => shown).map(({ name, calibration }) => ({ name, bins: calibration.bins.filter(isChosen) }));
  const bins = series.flatMap((each) => each.bins);
  if (bins.length === 0) return [];
  const least = Math.min(...bins.flatMap(({ predicted, observed }) => [predicted, observed]));
  const power = Math.min(-1, Math.floor(Math.log10(least) + 1e-9));
  const [low, high] = [10 ** power, 1];
  const axis = (name: string): Axis => ({ name, low, high, ticks: tickPowers(power), logarithmic: true });
  const title = `${pack}: how often a candidate is chosen, by the chance it was given`;
  const drawn: Series[] = [
    ...series.map((each) => ({
      name: each.name,
      joined: true,
      points: each.bins.map(({ predicted, observed, interval }) => ({
        x: predicted,
        y: observed,
        interval: [Math.max(low, interval[0]), interval[1]] as const,
      })),
    })),
    {
      name: 'chances that are true',
      joined: true,
      guide: true,
      points: [
        { x: low, y: low },
        { x: high, y: high },
      ],
    },
  ];
  const svg = drawPlot({
    title,
    x: axis('mean chance of a bin, softmax(score) within the list'),
    y: axis('share that was chosen'),
    series: drawn,
  });
  return [{ name: `${pack}-calibration`, title, svg }];
}

function isChosen({ observed }: Bin): boolean {
  return observed > 0;
}

/** From 10^power to 1, in percent. */
function tickPowers(power: number): Axis['ticks'] {
  return Array.from({ length: 1 - power }, (_, place) => {
    const value = 10 ** (power + place);
    return { value, text: `${formatChance(value).replace(/^0\./, '.')} %` };
  });
}

/** What the chances are of, and what they are not. */
export function tellCalibration(measured: readonly CalibratedRanker[]): string[] {
  if (measured.length === 0) {
    return ['Calibration was not measured when this was written: it takes the lists that tuning learns from, and the Python that tunes.'];
  }
  const tuned = measured.some(({ name }) => name === NAMES.tuned)
    ? 'the tuned one’s are of this shop’s own lists, here of the tenth that was held out of the fit, by whose order its epoch was chosen.'
    : 'those of the tuned one were not measured when this was written.';
  return [
    'Calibration is of softmax(score): the chance that a candidate is the one that is chosen, given that one of its list is; no graph gives ' +
      'the chance of a click, and gate and dial play no part. It is measured by `models/training/calibration.py` on the lists of other shoppers ' +
      'that tuning learns from, each with its target among the candidates; the plot leaves out bins of which nothing was chosen. The shipped ' +
      `ranker’s chances were learnt from simulated shoppers and are told of a shop that it never saw; ${tuned}`,
  ];
}
