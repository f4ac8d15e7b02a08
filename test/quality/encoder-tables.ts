import { meanOf } from '../../tuning/significance/bootstrap.js';
import { comparePaired } from '../../tuning/significance/paired-comparison.js';
import type { Table } from '../measured-page.js';
import type { Cost, Judged, Known, Picture } from './encoders.js';
import { agreementOf } from './known-item.js';
import { formatDifference, formatInterval, formatShare, type QualitySection } from './quality-section.js';

const SEED = 20;
const BUILT_IN = 'built-in';

export interface EncoderFindings {
  readonly known: ReadonlyMap<string, readonly Known[]>;
  readonly judged: Judged;
  readonly costs: readonly Cost[];
  readonly pictures: readonly Picture[];
  /** Fits that were not better than the built-in encoder. */
  readonly refused: readonly string[];
  /** Of CPU that each fit had. */
  readonly minutes: readonly number[];
  /** Name of the sentence encoder; null: there is none, and nothing is compared with it. */
  readonly teacher: string | null;
}

export function describeEncoders(findings: EncoderFindings): QualitySection {
  const { known, judged, costs, pictures, refused, minutes, teacher } = findings;
  const reference = teacher ?? 'the sentence encoder';
  const fitted = minutes.length === 0 ? '' : ` (${minutes.join(' or ')} minutes of CPU on the pack’s other products)`;
  return {
    name: 'encoders',
    title: 'Encoders: bytes, CPU, quality',
    about:
      'The text encoders on catalogues that the built-in one has never met (icecat, magento, beauty, tops) and on the one whose titles it learnt from (esci), ' +
      `before and after \`fuserank model fit-text\`${fitted}; then their cost, and the picture encoders.`,
    variables: 'FUSERANK_PYTHON=<python with models/training/requirements-tune.txt>',
    tables: [
      {
        caption:
          `Known items among products that no fit saw: mean reciprocal rank of a product for a sentence of its description and for 2–4 words of its title; agreement: share of the ten nearest of ${reference}. ` +
          'Differences to the built-in encoder over all questions, paired',
        table: knownTable(known, teacher),
      },
      {
        caption: `ESCI, ${judged.words.length} judged queries, \`ndcg_lin@10\` on titles over the whole catalogue; differences to BM25 of the engine on titles and to the built-in encoder, each on the same queries, paired`,
        table: judgedTable(judged),
      },
      { caption: 'Text encoders: one title in the indexer’s batches, one query alone (median), one thread', table: costTable(costs) },
      {
        caption: `Picture encoders: ${pictures[0]?.clothingPhotos ?? 0} clothing photos and ${pictures[0]?.groceryPhotos ?? 0} shelf photos that the built-in one was not trained on`,
        table: pictureTable(pictures),
      },
    ],
    remarks: [
      'Each half of the ESCI queries is asked of a fit that saw no product which that half judges; the built-in encoder itself learnt from all titles of ESCI (what it is worth without: models/training/README.md and its manifest). The weight of the mix is chosen on the other four fifths of the queries.',
      'A sentence’s own product is one of many that it would fit; the figures compare encoders and say nothing of relevance.',
      ...(refused.length === 0
        ? []
        : [`Not better than the built-in encoder on the fit’s own held-out products, so not written: ${refused.join('; ')}.`]),
      ...describeNamed(costs, teacher),
      ...describeUnfitted(known, refused),
      'Variants of one product (magento) are asked for one by one and count as questions of their own, so its intervals are too narrow.',
      'Clothing: share of the photo’s class among its ten nearest. Grocery: the first of all 81 shop pictures is the photo’s product.',
    ],
  };
}

function describeNamed(costs: readonly Cost[], teacher: string | null): string[] {
  const named = costs.map(({ name }) => name).filter((name) => name !== BUILT_IN && name !== teacher);
  return named.length === 0 ? [] : [`Folders that \`FUSERANK_ENCODERS\` named: ${named.join(', ')}.`];
}

/** Packs on which no fit was tried. */
function describeUnfitted(known: EncoderFindings['known'], refused: readonly string[]): string[] {
  const packs = [...known].filter(
    ([pack, encoders]) => !encoders.some(({ name }) => name.startsWith('fitted')) && !refused.some((fit) => fit.startsWith(pack)),
  );
  if (packs.length === 0) return [];
  const names = packs.map(([pack]) => pack).join(', ');
  return [
    `Not measured here: fits on ${names}. They are made where \`FUSERANK_PYTHON\` is set and \`FUSERANK_FIT_MINUTES\` is not 0; the rest is then not measured again.`,
  ];
}

function knownTable(known: EncoderFindings['known'], teacher: string | null): Table {
  const rows = [...known].flatMap(([pack, encoders]) => {
    const base = encoders.find(({ name }) => name === BUILT_IN);
    const reference = encoders.find(({ name }) => name === teacher);
    return encoders.map((encoder) => {
      const { name, kinds, reciprocalRanks: ranks } = encoder;
      const mean = (kind: string): string => {
        const own = ranks.filter((_, place) => kinds[place] === kind);
        return own.length === 0 ? '' : formatShare(meanOf(own));
      };
      const paired = base === undefined || name === BUILT_IN ? null : pair(base.reciprocalRanks, ranks);
      return [
        `${pack}: ${name}`,
        mean('sentence'),
        mean('fragment'),
        ...(paired ?? ['', '']),
        reference === undefined ? '' : formatShare(meanOf(agreementOf(encoder, reference))),
      ];
    });
  });
  return { columns: ['pack: encoder', 'sentences', 'fragments', 'difference', '95 %', 'agreement@10'], rows };
}

function judgedTable({ words, systems }: Judged): Table {
  const base = systems.find(({ name }) => name === BUILT_IN);
  const rows = systems.flatMap(({ name, places = [...words.keys()], alone, mixed, weights }) => {
    const of = (all: readonly number[] | undefined): number[] => places.map((place) => all?.[place] ?? Number.NaN);
    const beside = (all: readonly number[] | undefined, own: readonly number[]): [string, string] =>
      name === BUILT_IN || all === undefined ? ['', ''] : pair(of(all), own);
    const how = `with BM25, weight ${weights.map((weight) => formatShare(weight, 1)).join(', ')}`;
    return [
      [name, 'alone', String(places.length), formatShare(meanOf(alone)), ...pair(of(words), alone), ...beside(base?.alone, alone)],
      [name, how, String(places.length), formatShare(meanOf(mixed)), ...pair(of(words), mixed), ...beside(base?.mixed, mixed)],
    ];
  });
  return {
    columns: ['encoder', 'how', 'queries', 'ndcg_lin@10', 'to BM25', '95 %', 'to the built-in', '95 %'],
    rows: [['BM25', 'alone', String(words.length), formatShare(meanOf(words)), '', '', '', ''], ...rows],
  };
}

function costTable(costs: readonly Cost[]): Table {
  const rows = costs.map(({ name, bytes, itemMs, queryMs }) => [name, bytes.toLocaleString('en'), itemMs.toFixed(2), queryMs.toFixed(2)]);
  return { columns: ['encoder', 'bytes', 'ms CPU a title', 'ms CPU a query'], rows };
}

function pictureTable(pictures: readonly Picture[]): Table {
  const rows = pictures.map(({ name, bytes, cpuMs, clothing, grocery }) => [
    ...[name, bytes.toLocaleString('en'), cpuMs.toFixed(1)],
    ...[formatShare(clothing), formatShare(grocery)],
  ]);
  return { columns: ['encoder', 'bytes', 'ms CPU a picture', 'clothing P@10', 'grocery hit@1'], rows };
}

/** Difference and interval, as cells. */
function pair(base: readonly number[], other: readonly number[]): [string, string] {
  const { difference, interval } = comparePaired(
    other.map((value, place) => value - (base[place] ?? Number.NaN)),
    { seed: SEED },
  );
  return [formatDifference(difference), formatInterval(interval)];
}
