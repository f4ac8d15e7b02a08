import type { RelativeGain } from '../../tuning/significance/relative-gain.js';
import { beside, formatGain, formatPercent, gainOf, meanOverSeeds, valuesOf } from './gain-table.js';
import type { NextItemResult } from './next-item-result.js';
import { seedRuns } from './next-item-tables.js';
import { DIALS, nameAt, NAMES, type Dial, type TrainedSystem } from './next-item-systems.js';
import { formatDifference } from './quality-section.js';
import type { Demand } from './verdict-table.js';

/** Names by which rankers that were trained on the other packs are given with `--artefact`. */
export const OTHER_PACKS = {
  net: 'trained on the other packs',
  mix: 'trained on the other packs, mix',
  lambdaMart: 'trained on the other packs, LambdaMART',
} as const;

const LEAST_SHOPPERS = 3_000;
const MOST_HARM: Record<Dial, number> = { 0.75: 0.11, 1: 0.13 };

/** What a pack of shoppers is to show of the shipped ranker, of one trained on the other packs, and of tuning. */
export async function judgeNextItem(result: NextItemResult): Promise<Demand[]> {
  return [...(await judgeShipped(result)), ...(await judgeOtherPacks(result)), ...(await judgeTuning(result))];
}

async function judgeShipped({ known, bare }: NextItemResult): Promise<Demand[]> {
  const served = await known.pairOf(NAMES.served, NAMES.first);
  const pairs = valuesOf(served.comparison);
  const withoutLog = await bare.pairOf(NAMES.served, NAMES.first);
  const harms = await Promise.all(
    DIALS.map(async (dial) => {
      const { comparison } = await known.pairOf(nameAt('fusion-base', dial), NAMES.first);
      return { dial, harm: comparison.metrics[0]?.harm ?? Number.NaN };
    }),
  );
  return [
    {
      what: 'shoppers',
      target: `≥ ${LEAST_SHOPPERS.toLocaleString('en')}`,
      measured: pairs.length.toLocaleString('en'),
      met: pairs.length >= LEAST_SHOPPERS,
    },
    lowerBound('shipped ranker, zero-shot, dial .75, over the first phase: lower bound', gainOf(pairs), { least: 0.3, stretch: 0.45 }),
    atLeast('over the first phase + popularity', gainOf(valuesOf((await known.pairOf(NAMES.served, NAMES.popular)).comparison)), 0.15),
    atLeast('queries with another word, over the first phase', gainOf(valuesOf(served.comparison, 'with-word')), 0.05),
    atLeast('without any log, over the first phase', gainOf(valuesOf(withoutLog.comparison)), 0.05),
    ...harms.map(({ dial, harm }) => ({
      what: nameAt('harm', dial),
      target: `≤ ${formatPercent(MOST_HARM[dial])}`,
      measured: formatPercent(harm),
      met: harm <= MOST_HARM[dial],
    })),
  ];
}

async function judgeOtherPacks({ known }: NextItemResult): Promise<Demand[]> {
  const what = {
    bound: 'trained on the other packs, dial .75, over the first phase: lower bound',
    mix: 'its mix above its own LambdaMART, dial 1',
    net: 'its net not below its own LambdaMART by more than .01, dial 1',
  };
  const missing = (text: string, target: string): Demand => ({ what: text, target, measured: '', met: null });
  const [net, mix, lambdaMart] = [OTHER_PACKS.net, OTHER_PACKS.mix, OTHER_PACKS.lambdaMart].map((name) => nameAt(name, 1));
  const served = nameAt(OTHER_PACKS.net, 0.75);
  const differenceOf = async (name = ''): Promise<{ difference: number; p: number } | null> =>
    known.has(name) && lambdaMart !== undefined && known.has(lambdaMart)
      ? ((await known.pairOf(name, lambdaMart)).comparison.metrics[0] ?? null)
      : null;
  const [ofMix, ofNet] = [await differenceOf(mix), await differenceOf(net)];
  return [
    known.has(served)
      ? lowerBound(what.bound, gainOf(valuesOf((await known.pairOf(served, NAMES.first)).comparison)), { least: 0.3, stretch: 0.4 })
      : missing(what.bound, '≥ +30 % (+40 %)'),
    ofMix
      ? { what: what.mix, target: '> 0', measured: formatDifference(ofMix.difference), met: ofMix.difference > 0 }
      : missing(what.mix, '> 0'),
    ofNet
      ? { what: what.net, target: '≥ -.010', measured: formatDifference(ofNet.difference), met: ofNet.difference >= -0.01 }
      : missing(what.net, '≥ -.010'),
  ];
}

async function judgeTuning(result: NextItemResult): Promise<Demand[]> {
  const over = async (lists: number | null, dial: Dial): Promise<RelativeGain | null> => {
    const tuned = await seedRuns(result, { kind: 'tuned', lists, dial });
    return tuned && gainOf(meanOverSeeds(tuned));
  };
  const overRival = async (lists: number | null): Promise<RelativeGain | null> => {
    const recipe = (kind: TrainedSystem['kind']): Parameters<typeof seedRuns>[1] => ({ kind, lists, dial: 1 });
    const [tuned, rival] = [await seedRuns(result, recipe('tuned')), await seedRuns(result, recipe('LambdaMART'))];
    return tuned && rival && gainOf(beside(rival, meanOverSeeds(tuned)));
  };
  return [
    ...(await Promise.all(
      DIALS.map(async (dial) => demandOf(nameAt('tuned on 500 lists, over zero-shot', dial), await over(500, dial), 0.03)),
    )),
    demandOf('tuned on 2,000 lists, over LambdaMART on the same, dial 1', await overRival(2_000), 0),
    demandOf('tuned on all lists, over LambdaMART on the same, dial 1', await overRival(null), 0),
  ];
}

function demandOf(what: string, gain: RelativeGain | null, least: number): Demand {
  return gain === null ? { what, target: formatLeast(least), measured: '', met: null } : atLeast(what, gain, least);
}

/** The gain itself decides; its interval stands beside it. */
function atLeast(what: string, gain: RelativeGain, least: number): Demand {
  return { what, target: formatLeast(least), measured: formatGain(gain), met: gain.gain >= least };
}

function lowerBound(what: string, gain: RelativeGain, { least, stretch }: { least: number; stretch: number }): Demand {
  const [low] = gain.interval;
  return {
    what,
    target: `${formatLeast(least)} (stretch ${formatLeast(stretch).slice(2)})`,
    measured: `${formatGain(gain)}${low >= stretch ? ', stretch met' : ''}`,
    met: low >= least,
  };
}

function formatLeast(share: number): string {
  return `≥ ${share < 0 ? '-' : '+'}${Math.abs(100 * share).toFixed(0)} %`;
}
