import { FEATURE_SET, type FeatureColumn } from '../models/feature-set.js';
import { RANKER_INPUTS, type Ranker, type RankerInputName, type RankingInput } from '../models/ranker.js';
import { HISTORY_LIMIT, assembleFeatures, type CandidateList } from './features.js';

/**
 * What a model's score is split into. `retrieval`: score, ranks and retrievers of the first phase, as the model reads them;
 * `query_image`: a photo or the typed words in picture space; `business`: all other columns, the user's brands, categories, prices and
 * purchases among them.
 */
export const SIGNALS = ['retrieval', 'query_text', 'query_image', 'business', 'history_text', 'history_image'] as const;
export type Signal = (typeof SIGNALS)[number];

/** How one candidate's score came about. */
export interface Attribution {
  /** In units of the model's score; they sum to the score minus the score without any signal. */
  readonly shares: Readonly<Record<Signal, number>>;
  /** The history entries that weighed most, at most three, heaviest first; weight is the share of the attention, 0–1. */
  readonly history: readonly { objectId: string; weight: number }[];
}

/** Inputs that are absent (zero) while a signal is withheld. */
const WITHHELD: Readonly<Record<Signal, readonly RankerInputName[]>> = {
  retrieval: [],
  query_text: ['query_text_mask'],
  query_image: ['query_image_mask', 'query_head_mask'],
  business: ['history_brand', 'history_category'],
  history_text: ['history_text_mask'],
  history_image: ['history_image_mask'],
};

const SIGNAL_OF_COLUMN: Readonly<Record<FeatureColumn['signal'], Signal>> = {
  first_phase: 'retrieval',
  query_text: 'query_text',
  query_image: 'query_image',
  business: 'business',
};

const NAMED_ENTRIES = 3;

/**
 * The sets of signals to score, each one signal apart from its neighbour: from none to all in the order of SIGNALS, and back
 * from all to none dropping in that same order (so the second walk is the reverse order of arrival).
 */
export function planVariants(): { forward: ReadonlySet<Signal>[]; reverse: ReadonlySet<Signal>[] } {
  const count = SIGNALS.length;
  return {
    forward: Array.from({ length: count + 1 }, (_, given) => new Set(SIGNALS.slice(0, given))),
    reverse: Array.from({ length: count + 1 }, (_, withheld) => new Set(SIGNALS.slice(withheld))),
  };
}

/**
 * Each signal's share of one candidate's score: the change when it arrives, averaged over both orders. Both walks lead from the
 * score without signals to the whole score, so the shares sum to the difference, by construction.
 *
 * @param forward scores of planVariants().forward, one a set; the last is the whole score
 * @param reverse scores of planVariants().reverse; the first is the whole score
 */
export function shareOut(forward: readonly number[], reverse: readonly number[]): Record<Signal, number> {
  const shares: Record<Signal, number> = { retrieval: 0, query_text: 0, query_image: 0, business: 0, history_text: 0, history_image: 0 };
  SIGNALS.forEach((signal, place) => {
    const arrived = (forward[place + 1] ?? NaN) - (forward[place] ?? NaN);
    const left = (reverse[place] ?? NaN) - (reverse[place + 1] ?? NaN);
    shares[signal] = (arrived + left) / 2;
  });
  return shares;
}

/** One attribution a candidate, in the list's order. Costs one run of the model over twelve variants of the list. */
export async function attributeScores(ranker: Ranker, list: CandidateList): Promise<Attribution[]> {
  const input = assembleFeatures(list);
  const { forward, reverse } = planVariants();
  // The walks share their ends, so the reverse walk only adds what lies between them.
  const variants = [...forward, ...reverse.slice(1, -1)];
  const { scores, attention } = await ranker.score(stackVariants(input, variants));
  const count = input.shape.candidates;
  const whole = forward.length - 1;
  const history = list.signals.history ? list.history.slice(-HISTORY_LIMIT) : [];
  return list.candidates.map((_, row) => {
    const scoreOf = (variant: number): number => scores[variant * count + row] ?? NaN;
    const between = reverse.slice(1, -1).map((_set, place) => scoreOf(forward.length + place));
    return {
      shares: shareOut(
        forward.map((_set, variant) => scoreOf(variant)),
        [scoreOf(whole), ...between, scoreOf(0)],
      ),
      history: nameHeaviest(history, attention, (whole * count + row) * input.shape.history),
    };
  });
}

/** The one list once a variant, each with its signals only. */
export function stackVariants(input: RankingInput, variants: readonly ReadonlySet<Signal>[]): RankingInput {
  const stack = (name: RankerInputName): Float32Array => {
    const single = input.values[name];
    const stacked = new Float32Array(single.length * variants.length);
    variants.forEach((given, variant) => {
      if (SIGNALS.some((signal) => !given.has(signal) && WITHHELD[signal].includes(name))) return;
      stacked.set(name === 'columns' ? withholdColumns(single, given) : single, variant * single.length);
    });
    return stacked;
  };
  const values = { ...input.values };
  for (const name of INPUT_NAMES) values[name] = stack(name);
  return { shape: { ...input.shape, lists: variants.length }, values };
}

const INPUT_NAMES = Object.keys(RANKER_INPUTS).filter((name): name is RankerInputName => Object.hasOwn(RANKER_INPUTS, name));

function withholdColumns(columns: Float32Array, given: ReadonlySet<Signal>): Float32Array {
  const kept = Float32Array.from(columns);
  FEATURE_SET.columns.forEach(({ signal, missing }, place) => {
    if (given.has(SIGNAL_OF_COLUMN[signal])) return;
    for (let at = place; at < kept.length; at += FEATURE_SET.columns.length) kept[at] = missing;
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
