import { createHash } from 'node:crypto';
import { esci } from '../../docs/examples/esci/adapter.js';
import { PRODUCT } from '../../mappings/product-index.js';
import { textSearchBody } from '../../mappings/query-templates.js';
import { normalisationPipeline } from '../../mappings/search-pipelines.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import { templateQuestion, type Question } from '../../tuning/evaluate/question.js';
import { listEncoderSets, type EncoderSet } from './catalogue-door.js';
import { FIRST_PHASE, MeasuredPack, ranked, type System } from './measured-pack.js';
import type { QualityRun } from './quality-run.js';
import { formatDifference, formatShare, type QualitySection } from './quality-section.js';
import { metricOf, pairSystems, systemTable, type PairedSystem } from './system-table.js';

const LEADING = 'ndcg_lin@10';
const METRICS = [LEADING, 'judged@10'] as const;
/** How deep a hybrid's clauses are fetched before they are mixed. */
const HYBRID_DEPTH = 200;
/** What the sidecar's mean may lack to the engine's order. */
const ALLOWED_LOSS = 0.005;
const ENGINE = { crossFields: 'engine, cross_fields', bestFields: 'engine, best_fields' } as const;

/** nDCG on the judged queries of ESCI's small catalogue: does ranking for nobody in particular keep the engine's quality? */
export async function measureEsci(run: QualityRun): Promise<QualitySection> {
  const runs: { name: string; file: string }[] = [];
  const models: string[] = [];
  let [documents, queries] = [0, 0];
  for (const [place, encoders] of listEncoderSets(run.data).entries()) {
    const pack = await MeasuredPack.open({ run, adapter: esci, encoders });
    try {
      [documents, queries] = [pack.facts.documents, pack.questions.queries.length];
      const { systems, close } = await listSystems(pack, encoders);
      try {
        // The engine's own orders need no encoder: once is enough.
        for (const system of systems.filter(
          ({ contender, question }) => place === 0 || contender !== FIRST_PHASE || question?.name === 'hybrid',
        )) {
          runs.push({ name: system.name, file: await pack.evaluate(system) });
        }
      } finally {
        await close();
      }
    } finally {
      await pack.close();
    }
  }
  const baseline = runs.find(({ name }) => name === ENGINE.crossFields)?.file ?? '';
  const paired = await pairSystems(runs, { baseline, metrics: METRICS });
  models.push(...new Set(paired.flatMap(({ comparison }) => comparison.runs.b.model ?? [])));
  return {
    name: 'esci',
    title: 'ESCI: the engine’s order and ours, for nobody in particular',
    about:
      `${documents.toLocaleString('en')} products of the Amazon Shopping Queries data with ${queries} judged queries, indexed by \`fuserank index\`, asked as ` +
      `\`fuserank evaluate\` asks, paired as \`fuserank compare\` pairs. \`${LEADING}\`: gains E 1, S 0.1, C 0.01, I 0, discount log2(i + 1), ideal from all ` +
      'judged products cut at 10; the whole catalogue is ranked, unjudged products count 0. Every system is paired with (A), the engine’s ' +
      'order of the search that a shop starts from; intervals are bootstraps over queries with expanded percentiles (95 %, 10,000 draws, seed 20). The sidecar ' +
      'gets that very search and no shopper; window 200, blend .75, up to 50 added hits.',
    tables: [{ caption: `${queries} queries`, table: systemTable(paired, { metrics: METRICS, digits: 4 }) }],
    remarks: [
      ...paired.filter(({ name }) => name.startsWith('sidecar over cross_fields')).map(judgeSidecar),
      `Ranked by ${models.join(', ')}.`,
      `${queries} queries resolve differences of about .03: smaller ones are not news. Between two index runs ties alone move a mean by .001.`,
      'About a quarter of the queries are negations (“belt without buckle”) that neither terms nor these encoders understand.',
      'The weights of the hybrids were chosen on these same queries, so their figures are flattered.',
    ],
  };
}

/** The engine's orders, a hybrid of words and vectors, and the sidecar over either order. */
async function listSystems(pack: MeasuredPack, encoders: EncoderSet): Promise<{ systems: System[]; close: () => Promise<void> }> {
  const bestFields = await templateQuestion(pack.engine, { name: 'best_fields', source: bestFieldsTemplate(pack) });
  const { question, weights, close } = await openHybrid(pack, encoders);
  const systems: System[] = [
    { name: ENGINE.bestFields, contender: FIRST_PHASE, question: bestFields },
    { name: ENGINE.crossFields, contender: FIRST_PHASE },
    { name: `BM25 ${weights[0]} + ${encoders.textName} ${weights[1]}, convex`, contender: FIRST_PHASE, question },
    { name: `sidecar over best_fields, ${encoders.textName}`, contender: ranked(), question: bestFields },
    { name: `sidecar over cross_fields, ${encoders.textName}`, contender: ranked() },
  ];
  return { systems, close };
}

/** The same fields and weights, each document scored by its best field alone. */
function bestFieldsTemplate({ facts }: MeasuredPack): string {
  const [first, ...rest] = facts.roles.text;
  const fields = JSON.stringify([`${first}^2`, ...rest]);
  return `{"query":{"multi_match":{"query":"{{query}}","type":"best_fields","fields":${fields}}}}`;
}

/** A real hybrid query through the normalisation pipeline that we ship, with the encoder's own weight for its clause. */
async function openHybrid(
  pack: MeasuredPack,
  encoders: EncoderSet,
): Promise<{ question: Question; weights: readonly [number, number]; close: () => Promise<void> }> {
  const weights = [1 - encoders.hybridWeight, encoders.hybridWeight] as const;
  const encoder = await openTextEncoder({ path: encoders.text });
  const question: Question = {
    name: 'hybrid',
    sha256: createHash('sha256')
      .update(JSON.stringify([encoder.id, weights, HYBRID_DEPTH]))
      .digest('hex'),
    ask: async ({ query }, size) => {
      const vector = Array.from(await encoder.encodeQuery(query ?? ''));
      const { query: words } = textSearchBody(pack.facts.roles, { text: query ?? '' });
      const queries = [words, { knn: { [PRODUCT.textVector]: { vector, k: HYBRID_DEPTH } } }];
      return {
        query: { hybrid: { queries, pagination_depth: HYBRID_DEPTH } },
        size,
        search_pipeline: normalisationPipeline({ weights: [...weights] }),
      };
    },
  };
  return { question, weights, close: () => encoder.close() };
}

function judgeSidecar({ name, comparison }: PairedSystem): string {
  const { difference } = metricOf(comparison, LEADING);
  const met = difference >= -ALLOWED_LOSS;
  return (
    `${name}: its mean differs by ${formatDifference(difference, 4)} from the engine's; ` +
    `the requirement (not below by more than ${formatShare(ALLOWED_LOSS)}) is ${met ? 'met' : 'MISSED'}.`
  );
}
