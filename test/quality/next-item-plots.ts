import type { NextItemResult } from './next-item-result.js';
import { listShown } from './next-item-tables.js';
import { NAMES } from './next-item-systems.js';
import type { PagePlot } from './quality-section.js';
import { drawPlot, fitAxis, type PlotPoint, type Series } from './svg-plot.js';
import type { PairedSystem } from './system-table.js';

const HISTORY = ['history:1-4', 'history:5-19', 'history:20+'] as const;
const METRIC = 'ndcg@10';

export async function drawNextItemPlots(result: NextItemResult): Promise<PagePlot[]> {
  const shown = await result.known.pair(listShown(result), NAMES.first);
  const byCost = { name: `${result.name}-quality-by-cost`, title: `${result.name}: ${METRIC} by CPU of scoring a list` };
  const byHistory = { name: `${result.name}-by-history`, title: `${result.name}: ${METRIC} by events known of the shopper` };
  return [
    { ...byCost, svg: drawByCost(shown, result, byCost.title) },
    { ...byHistory, svg: drawByHistory(shown, result, byHistory.title) },
  ];
}

/** What ranks by a model, beside what costs nothing worth a name: those lie at the left end. */
function drawByCost(shown: readonly PairedSystem[], { costs, baselines }: NextItemResult, title: string): string {
  const pointOf = (name: string, x: number): PlotPoint[] => {
    const leading = shown.find((system) => system.name === name)?.comparison.metrics[0];
    if (!leading) return [];
    // The interval is of the difference to the first phase.
    const interval =
      leading.difference === 0 ? {} : { interval: [leading.meanA + leading.interval[0], leading.meanA + leading.interval[1]] as const };
    return [{ x, y: leading.meanB, ...interval }];
  };
  const free = [NAMES.first, NAMES.popular, 'first phase + co-visitation', 'hybrid, reciprocal ranks'].filter((name) =>
    baselines.includes(name),
  );
  const series: Series[] = [
    {
      name: 'without a model',
      joined: false,
      points: free.flatMap((name) => pointOf(name, 0).map((point) => ({ ...point, label: name }))),
    },
    {
      name: 'with a model',
      joined: false,
      points: costs.flatMap(({ name, system, cpuMs }) => pointOf(system, cpuMs).map((point) => ({ ...point, label: name }))),
    },
  ];
  const points = series.flatMap((each) => each.points);
  const x = fitAxis('ms of CPU for 200 candidates and 50 events', [0, ...points.map((point) => point.x * 1.2)], { digits: 1 });
  return drawPlot({
    title,
    x,
    y: fitAxis(
      METRIC,
      points.map(({ y }) => y),
    ),
    series,
  });
}

function drawByHistory(shown: readonly PairedSystem[], { trained, seeds }: NextItemResult, title: string): string {
  const lambdaMart = trained.find(({ kind, lists, seed }) => kind === 'LambdaMART' && lists === null && seed === seeds[0])?.system.name;
  const wanted = [NAMES.first, NAMES.popular, lambdaMart, NAMES.served, NAMES.alone].filter((name) => name !== undefined);
  const series = wanted.flatMap((name): Series[] => {
    const system = shown.find((each) => each.name === name);
    if (!system) return [];
    const points = HISTORY.flatMap((tag, x): PlotPoint[] => {
      const leading = system.comparison.tags.find((slice) => slice.name === tag)?.metrics[0];
      return leading ? [{ x, y: leading.meanB }] : [];
    });
    return [{ name: name.replace(/, seed \d+$/, ''), joined: true, points }];
  });
  const counts = HISTORY.map((tag) => shown[0]?.comparison.tags.find(({ name }) => name === tag)?.queries ?? 0);
  const ticks = HISTORY.map((tag, value) => ({
    value,
    text: `${tag.replace('history:', '').replace('-', '–')} (${(counts[value] ?? 0).toLocaleString('en')} shoppers)`,
  }));
  const x = { name: 'events before the one that is asked for', low: -0.4, high: HISTORY.length - 0.6, ticks };
  return drawPlot({
    title,
    x,
    y: fitAxis(
      METRIC,
      series.flatMap(({ points }) => points.map(({ y }) => y)),
    ),
    series,
  });
}
