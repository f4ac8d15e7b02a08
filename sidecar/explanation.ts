import { findColumn, type FeatureColumn } from '../models/feature-set.js';
import { INPUT_NAMES, valuesOf, type Ranker, type RankerInputName, type RankingInput, type WantedInputs } from '../models/ranker.js';
import type { ColumnContributions } from '../models/tree-contributions.js';
import { HISTORY_LIMIT, assembleFeatures, type CandidateList } from './features.js';

/**
 * What a model's score is split into. `retrieval`: score, ranks and retrievers of the first phase, as the model reads them;
 * `query_image`: a photo or the typed words in picture space; `behaviour`: what all shoppers did, counted by product and by pair of
 * products; `business`: all other columns, the user's brands, categories, prices and purchases among them.
 */
export const SIGNALS = ['retrieval', 'query_text', 'query_image', 'business', 'behaviour', 'history_text', 'history_image'] as const;
export type Signal = (typeof SIGNALS)[number];

/** How one candidate's score came about; all in units of the model's score. */
export interface Attribution {
  readonly score: number;
  /**
   * They sum to the score minus the score without any signal. Where there are `columns`, they are the sums of those, and with `expected`
   * they sum to the score.
   */
  readonly shares: Readonly<Record<Signal, number>>;
  /** What the columns gave, exactly, those that gave something, heaviest first; null where the model is more than trees over columns. */
  readonly columns: readonly ColumnShare[] | null;
  /** The score where nothing is known of any column; null without `columns`. */
  readonly expected: number | null;
  /** The summands of the score by the model's own modalities; null where it has none. */
  readonly modalities: readonly { readonly name: string; readonly contribution: number }[] | null;
  /** The history entries that weighed most, at most three, heaviest first; weight is the share of the attention, 0–1. */
  readonly history: readonly { objectId: string; weight: number }[];
}

export interface ColumnShare {
  readonly name: string;
  /** What the candidate has in the column. */
  readonly value: number;
  readonly contribution: number;
}

/** Inputs that are absent (zero) while a signal is withheld. */
const WITHHELD: Readonly<Record<Signal, readonly RankerInputName[]>> = {
  retrieval: [],
  query_text: ['query_text_mask'],
  query_image: ['query_image_mask', 'query_head_mask'],
  business: ['history_brand', 'history_category'],
  behaviour: ['history_covisits', 'history_covisits_norm', 'history_factor'],
  history_text: ['history_text_mask'],
  history_image: ['history_image_mask'],
};

const SIGNAL_OF_COLUMN: Readonly<Record<FeatureColumn['signal'], Signal>> = {
  first_phase: 'retrieval',
  query_text: 'query_text',
  query_image: 'query_image',
  business: 'business',
  behaviour: 'behaviour',
  history_text: 'history_text',
  history_image: 'history_image',
};

const NAMED_ENTRIES = 3;

/** The signals that a ranker can see; the others cost nothing and have no share. */
export function seenSignals({ inputs, columns }: WantedInputs): Signal[] {
  const signals = new Set(columns.flatMap((name) => findColumn(name)?.signal ?? []).map((signal) => SIGNAL_OF_COLUMN[signal]));
  return SIGNALS.filter((signal) => signals.has(signal) || WITHHELD[signal].some((name) => inputs.includes(name)));
}

/**
 * The sets of signals to score, each one signal apart from its neighbour: from none to all in the order given, and back
 * from all to none dropping in that same order (so the second walk is the reverse order of arrival).
 */
export function planVariants(signals: readonly Signal[]): { forward: ReadonlySet<Signal>[]; reverse: ReadonlySet<Signal>[] } {
  const count = signals.length;
  return {
    forward: Array.from({ length: count + 1 }, (_, given) => new Set(signals.slice(0, given))),
    reverse: Array.from({ length: count + 1 }, (_, withheld) => new Set(signals.slice(withheld))),
  };
}

/**
 * Each signal's share of one candidate's score: the change when it arrives, averaged over both orders. Both walks lead from the
 * score without signals to the whole score, so the shares sum to the difference, by construction.
 *
 * @param forward scores of planVariants().forward, one a set; the last is the whole score
 * @param reverse scores of planVariants().reverse; the first is the whole score
 */
export function shareOut(signals: readonly Signal[], forward: readonly number[], reverse: readonly number[]): Record<Signal, number> {
  const shares = noShares();
  signals.forEach((signal, place) => {
    const arrived = (forward[place + 1] ?? NaN) - (forward[place] ?? NaN);
    const left = (reverse[place] ?? NaN) - (reverse[place + 1] ?? NaN);
    shares[signal] = (arrived + left) / 2;
  });
  return shares;
}

function noShares(): Record<Signal, number> {
  return { retrieval: 0, query_text: 0, query_image: 0, business: 0, behaviour: 0, history_text: 0, history_image: 0 };
}

/**
 * One attribution a candidate, in the list's order. By the columns' own contributions where the ranker knows them; else it costs one run
 * of the model over two variants of the list a signal.
 * @param until epoch milliseconds after which nobody waits for it; what takes long is given up then
 */
export async function attributeScores(ranker: Ranker, list: CandidateList, until = Infinity): Promise<Attribution[]> {
  const input = assembleFeatures(list, ranker);
  const exact = await ranker.contributeColumns(input, until);
  return exact ? attributeToColumns(ranker, input, exact) : attributeToSignals(ranker, list, input);
}

async function attributeToColumns(ranker: Ranker, input: RankingInput, exact: ColumnContributions): Promise<Attribution[]> {
  const { scores } = await ranker.score(input);
  const values = valuesOf(input, 'columns');
  const width = ranker.columns.length;
  return Array.from(scores, (score, row) => {
    const shares = noShares();
    const columns = ranker.columns.map((name, place): ColumnShare => {
      const contribution = exact.values[row * width + place] ?? Number.NaN;
      const column = findColumn(name);
      if (column) shares[SIGNAL_OF_COLUMN[column.signal]] += contribution;
      return { name, value: values[row * width + place] ?? Number.NaN, contribution };
    });
    const weighing = columns.filter(({ contribution }) => contribution !== 0);
    weighing.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
    return { score, shares, columns: weighing, expected: exact.expected, modalities: null, history: [] };
  });
}

async function attributeToSignals(ranker: Ranker, list: CandidateList, input: RankingInput): Promise<Attribution[]> {
  const signals = seenSignals(ranker);
  const { forward, reverse } = planVariants(signals);
  // The walks share their ends, so the reverse walk only adds what lies between them.
  const variants = [...forward, ...reverse.slice(1, -1)];
  const { scores, attention, contributions } = await ranker.score(stackVariants(input, variants, ranker.columns));
  const count = input.shape.candidates;
  const whole = forward.length - 1;
  const history = list.signals.history ? list.history.slice(-HISTORY_LIMIT) : [];
  return list.candidates.map((_, row) => {
    const scoreOf = (variant: number): number => scores[variant * count + row] ?? NaN;
    const between = reverse.slice(1, -1).map((_set, place) => scoreOf(forward.length + place));
    return {
      score: scoreOf(whole),
      shares: shareOut(
        signals,
        forward.map((_set, variant) => scoreOf(variant)),
        [scoreOf(whole), ...between, scoreOf(0)],
      ),
      columns: null,
      expected: null,
      modalities: contributions && nameModalities(ranker.modalities, contributions, whole * count + row),
      history: nameHeaviest(history, attention, (whole * count + row) * input.shape.history),
    };
  });
}

function nameModalities(names: readonly string[], contributions: Float32Array, row: number): Attribution['modalities'] {
  return names.map((name, place) => ({ name, contribution: contributions[row * names.length + place] ?? Number.NaN }));
}

/**
 * The one list once a variant, each with its signals only.
 * @param columns names of the input's columns
 */
export function stackVariants(input: RankingInput, variants: readonly ReadonlySet<Signal>[], columns: readonly string[]): RankingInput {
  const values: Partial<Record<RankerInputName, Float32Array>> = {};
  for (const name of INPUT_NAMES) {
    const single = input.values[name];
    if (!single) continue;
    const stacked = new Float32Array(single.length * variants.length);
    variants.forEach((given, variant) => {
      if (SIGNALS.some((signal) => !given.has(signal) && WITHHELD[signal].includes(name))) return;
      stacked.set(name === 'columns' ? withholdColumns(single, columns, given) : single, variant * single.length);
    });
    values[name] = stacked;
  }
  return { shape: { ...input.shape, lists: variants.length }, values };
}

function withholdColumns(values: Float32Array, columns: readonly string[], given: ReadonlySet<Signal>): Float32Array {
  const kept = Float32Array.from(values);
  columns.forEach((name, place) => {
    const column = findColumn(name);
    if (!column || given.has(SIGNAL_OF_COLUMN[column.signal])) return;
    for (let at = place; at < kept.length; at += columns.length) kept[at] = column.missing;
  });
  return kept;
}

/** A product that occurs several times in the history is named once, with its weights added. */
function nameHeaviest(history: CandidateList['history'], attention: Float32Array | null, start: number): Attribution['history'] {
  if (!attention) return [];
  const weights = new Map<string, number>();
  history.forEach(({ objectId }, place) => weights.set(objectId, (weights.get(objectId) ?? 0) + (attention[start + place] ?? 0)));
  return [...weights]
    .map(([objectId, weight]) => ({ objectId, weight }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, NAMED_ENTRIES);
}
