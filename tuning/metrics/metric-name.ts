import { nearestName } from '../../config/nearest-name.js';
import { CatalogueExposure } from './catalogue-exposure.js';
import { QUERY_METRICS, RUN_METRICS, type Asked, type MetricRow } from './metric-table.js';
import { demand, MetricError, type Metric } from './metric.js';

const ROWS: Readonly<Record<string, MetricRow>> = { ...QUERY_METRICS, ...RUN_METRICS };
const CANONICAL = new Map(Object.entries(ROWS).flatMap(([name, { also }]) => [name, ...also].map((spelling) => [spelling, name])));

/**
 * Metrics of a list such as `ndcg@10,mrr,P(rel=2)@10`; one that comes twice counts once.
 * @throws MetricError that names the part at fault and what was probably meant
 */
export function parseMetrics(text: string): Metric[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const metrics = new Map(
    parts
      .filter((part) => part !== '')
      .map(parseMetric)
      .map((metric) => [metric.name, metric]),
  );
  if (metrics.size === 0) throw new MetricError('no metric is named; for example: ndcg@10,mrr,recall@100,judged@10');
  return [...metrics.values()];
}

/**
 * One metric by its name: ours (`ndcg@10`), ir_measures' (`nDCG@10`, `P(rel=2)@10`, `RR`, `AP`, `nDCG(dcg='exp-log2')@10`), trec_eval's
 * (`P_10`, `ndcg_cut_10`) or ranx's (`hit_rate@5`). Letter case does not matter. @throws MetricError
 */
export function parseMetric(text: string): Metric {
  const parts = /^([a-z][a-z_0-9-]*?)(?:\(([^()]*)\))?(?:@(\d+))?$/i.exec(underscoreCut(text.trim()));
  if (!parts) throw new MetricError(`"${text}" is no metric; write it as ndcg@10 or P(rel=2)@10`);
  const [, spelled = '', brackets = '', cut] = parts;
  const given = parseBrackets(text, brackets);
  const found = findName(text, spelled, cut);
  const name = applyGainForm(text, found, given);
  const row = ROWS[name];
  if (!row) throw new MetricError(`"${text}" is no metric`);
  const k = readCut(text, name, row, cut);
  const numbers = readNumbers(text, name, row, given);
  const canonical = `${name}${writeNumbers(row, numbers)}${k === null ? '' : `@${k}`}`;
  return buildMetric(name, row, { name: canonical, k: k ?? Infinity, numbers }, noteOn(text, spelled, name, given));
}

/** trec_eval writes the cut behind an underscore. */
function underscoreCut(text: string): string {
  return text.replace(/^(p|recall|map_cut|ndcg_cut|success)_(\d+)$/i, '$1@$2');
}

/** The cut-off in a metric's name; null where it looks at whole lists. */
export function cutoffOf({ name }: Pick<Metric, 'name'>): number | null {
  const match = /@(\d+)/.exec(name);
  return match ? Number(match[1]) : null;
}

/** The least grade that counts as relevant in a metric's name. */
export function relevanceOf({ name }: Pick<Metric, 'name'>): number {
  return Number(/\brel=([\d.e+-]+)/.exec(name)?.[1] ?? 1);
}

function findName(text: string, spelled: string, cut: string | undefined): string {
  const lower = spelled.toLowerCase().replaceAll('-', '_');
  const name = CANONICAL.get(lower);
  if (name !== undefined) return name;
  const near = nearestName(lower, [...CANONICAL.keys()]);
  const hint = near === null ? `known: ${Object.keys(ROWS).join(', ')}` : `did you mean ${near}${cut === undefined ? '' : `@${cut}`}?`;
  throw new MetricError(`"${text}" is no metric; ${hint}`);
}

/** `k=v` pairs, quotes taken off. */
function parseBrackets(text: string, brackets: string): Map<string, string> {
  const pairs = brackets.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const [name, value, ...rest] = pair.split('=').map((part) => part.trim());
      if (!name || !value || rest.length > 0) throw new MetricError(`"${text}": "${pair.trim()}" must be written as name=value`);
      return [name, value.replace(/^(['"])(.*)\1$/, '$2')];
    }),
  );
}

/** ir_measures tells the two forms of nDCG apart by `dcg`; here they have names. */
function applyGainForm(text: string, name: string, given: Map<string, string>): string {
  const form = given.get('dcg');
  if (form === undefined) return name;
  if (name !== 'ndcg') throw new MetricError(`"${text}": dcg goes with nDCG alone`);
  if (form !== 'log2' && form !== 'exp-log2') throw new MetricError(`"${text}": dcg is 'log2' (linear gain) or 'exp-log2' (exponential)`);
  given.delete('dcg');
  return form === 'log2' ? 'ndcg_lin' : 'ndcg';
}

function readCut(text: string, name: string, { cut }: MetricRow, given: string | undefined): number | null {
  if (given === undefined) {
    if (cut === 'required') throw new MetricError(`"${text}" lacks how many hits it looks at; write ${name}@10`);
    return null;
  }
  const k = Number(given);
  if (cut === 'none') throw new MetricError(`"${text}": ${name} looks at whole answers; write ${name}`);
  if (!Number.isSafeInteger(k) || k < 1) throw new MetricError(`"${text}": behind @ stands a whole number from 1`);
  return k;
}

function readNumbers(text: string, name: string, { numbers }: MetricRow, given: Map<string, string>): Record<string, number> {
  const known = Object.keys(numbers);
  for (const [key, value] of given) {
    if (!known.includes(key)) {
      const takes = known.length === 0 ? 'nothing in brackets' : `${known.join(', ')} in brackets`;
      throw new MetricError(`"${text}": ${name} takes ${takes}, not ${key}`);
    }
    if (!(Number(value) > 0) || !Number.isFinite(Number(value))) throw new MetricError(`"${text}": ${key} must be a number above 0`);
  }
  return Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, Number(given.get(key) ?? value)]));
}

function writeNumbers({ numbers: defaults }: MetricRow, numbers: Record<string, number>): string {
  const own = Object.entries(numbers).filter(([key, value]) => value !== defaults[key]);
  return own.length === 0 ? '' : `(${own.map(([key, value]) => `${key}=${value}`).join(',')})`;
}

/** Exactly ir_measures' spelling of nDCG, whose gain there is linear. */
function noteOn(text: string, spelled: string, name: string, given: Map<string, string>): string | null {
  if (spelled !== 'nDCG' || name !== 'ndcg' || given.size > 0 || text.includes('dcg=')) return null;
  return `${text} has exponential gain here; ir_measures and trec_eval mean linear gain by it: ndcg_lin`;
}

function buildMetric(name: string, row: MetricRow, asked: Asked, note: string | null): Metric {
  const named = { name: asked.name, better: row.better, reads: row.reads, needs: row.needs, note };
  const query = QUERY_METRICS[name];
  if (query) {
    return {
      ...named,
      scope: 'query',
      measure: (line, context = {}) => (line.state === 'failed' ? null : query.measure(line, asked, context)),
    };
  }
  const run = RUN_METRICS[name];
  if (!run) throw new MetricError(`"${asked.name}" is no metric`);
  return {
    ...named,
    scope: 'run',
    begin: (context = {}) => {
      const size = demand(context, 'catalogueSize', asked.name);
      const exposure = new CatalogueExposure(asked.k);
      return {
        take: (line) => {
          if (line.state !== 'failed') exposure.take(line);
        },
        value: () => run.read(exposure, size),
      };
    },
  };
}
